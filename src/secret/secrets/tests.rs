use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;

/// A secret of AWS as it is made: forty characters by chance. No account has it.
const AWS: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzTESTTEST";

fn mask(text: &str) -> String {
    Secrets::default().mask(text)
}

fn body() -> String {
    let line = |seed: u8| -> String {
        let bytes: Vec<u8> =
            (0..48).map(|n: u8| n.wrapping_mul(73).wrapping_add(seed.wrapping_mul(29))).collect();
        STANDARD.encode(bytes)
    };
    format!("MIIEpAIBAAKCAQEA{}\n{}\n{}\nTheEnd+/x7w==", &line(1)[16..], line(2), line(3))
}

fn key(kind: &str) -> String {
    format!("-----BEGIN {kind}PRIVATE KEY-----\n{}\n-----END {kind}PRIVATE KEY-----\n", body())
}

#[test]
fn keys_keep_their_first_and_last_line() {
    for kind in ["RSA ", "OPENSSH ", "EC ", "ENCRYPTED ", ""] {
        assert_eq!(
            mask(&format!("x\n{}y\n", key(kind))),
            format!("x\n-----BEGIN {kind}PRIVATE KEY-----\n{MASK}\n-----END {kind}PRIVATE KEY-----\ny\n")
        );
    }
}

#[test]
fn a_key_in_json_or_cut_short_is_masked_too() {
    let json =
        format!(r#"{{"KeyMaterial": "{}", "KeyName": "k"}}"#, key("RSA ").trim_end().replace('\n', "\\n"));
    let masked = mask(&json);
    assert!(!masked.contains("MIIE") && !masked.contains("TheEnd"), "{masked}");
    assert!(masked.ends_with(r#"", "KeyName": "k"}"#), "{masked}");

    let head = format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n$ ls\n", body());
    let masked = mask(&head);
    assert!(!masked.contains("MIIE") && !masked.contains("TheEnd"), "{masked}");
    assert!(masked.ends_with("$ ls\n"), "{masked}");
}

#[test]
fn a_key_without_its_first_line_is_one_by_its_beginning_and_each_line_of_a_known_one_is() {
    for begin in ["b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "MHcCAQEEIB1x"] {
        let masked =
            mask(&format!("tail:\n{begin}AAAA0123456789abcdef\nQyNTUxOQAAACB0123456789\nxx==\nend\n"));
        assert_eq!(masked, format!("tail:\n{MASK}\nxx==\nend\n"));
    }
    let secrets = Secrets::default();
    secrets.add(&key(""));
    for line in body().lines() {
        // Not the few characters at its end alone, which could be anything.
        let masked = secrets.mask(&format!("<{line}>"));
        assert!(line.len() < 16 || !masked.contains(&line[..12]), "{masked}");
    }
    let middle = &body().replace('\n', "")[70..110];
    assert_eq!(secrets.mask(&format!("cut {middle} out")), format!("cut {MASK} out"));
}

#[test]
fn the_public_half_of_a_known_key_stays() {
    for seed in 0..4 {
        let algorithm =
            if seed == 0 { ssh_key::Algorithm::Rsa { hash: None } } else { ssh_key::Algorithm::Ed25519 };
        let private = ssh_key::PrivateKey::random(&mut rand::rng(), algorithm).unwrap();
        let text = private.to_openssh(ssh_key::LineEnding::LF).unwrap().to_string();
        let public = private.public_key().to_openssh().unwrap();
        let secrets = Secrets::default();
        secrets.add_key(&text);
        assert_eq!(secrets.mask(&format!("{public} me@laptop\n")), format!("{public} me@laptop\n"));
        let shown: Vec<&str> = text.lines().skip(1).take(3).collect();
        let masked = secrets.mask(&shown.join("\n"));
        assert!(masked.contains(MASK) && !masked.contains(&shown[0][40..]), "{masked}");
        // A key that was printed whole is not mistaken for a reason to mask what is public either.
        let printed = Secrets::default();
        let _ = printed.mask(&text);
        assert_eq!(printed.mask(&public), public);
    }
}

#[test]
fn public_parts_stay() {
    let text = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGKj host\n-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n\
                -----BEGIN RSA PRIVATE KEY-----";
    assert_eq!(mask(text), text);
}

/// Texts with a secret, and the secret.
#[test]
fn what_a_text_shows_to_be_a_secret_is_masked() {
    let long = "Zx8Qw3Er5Ty7Ui9Op1As3Df5Gh7Jk9Lz1Xc3Vb5";
    for (text, secret) in [
        (AWS.to_owned(), AWS),
        (format!("key is {AWS}\n"), AWS),
        (format!("aws_secret_access_key = {AWS}"), AWS),
        (format!("export AWS_SECRET_ACCESS_KEY={AWS}"), AWS),
        (format!(r#""SecretAccessKey": "{AWS}""#), AWS),
        (format!("<secretAccessKey>{AWS}</secretAccessKey>"), AWS),
        (format!("AKIAIOSFODNN7EXAMPLE,{AWS}\n"), AWS),
        ("<Password>pw</Password>".to_owned(), ">pw<"),
        ("<ns:password type=\"text\"> open sesame </ns:password>".to_owned(), "open sesame"),
        ("secret key: hunter-2-long".to_owned(), "hunter-2-long"),
        ("AWS Secret access key is Zx8Qw3Er5T".to_owned(), "Zx8Qw3Er5T"),
        ("password=opensesame".to_owned(), "opensesame"),
        ("password = opensesame\n".to_owned(), "opensesame"),
        ("password: \"open sesame\"".to_owned(), "open sesame"),
        ("Your password: hunter22".to_owned(), "hunter22"),
        ("DB_PASSWORD='open sesame'\n".to_owned(), "open sesame"),
        ("A=1\nDB_PASSWORD=open sesame street\nB=2\n".to_owned(), "sesame"),
        ("define( 'DB_PASSWORD', 'sesame' );".to_owned(), "sesame"),
        ("'password' => 'sesame',".to_owned(), "sesame"),
        ("mysql -u root -psesame db".to_owned(), "sesame"),
        ("curl -u admin:sesame http://x/".to_owned(), "sesame"),
        ("psql --password=sesame --token abcdefg".to_owned(), "abcdefg"),
        ("CREATE USER x IDENTIFIED BY 'sesame';".to_owned(), "sesame"),
        ("machine x login me password sesame".to_owned(), "sesame"),
        ("postgres://app:sesame@db:5432/app".to_owned(), "sesame"),
        ("redis://:sesame@db".to_owned(), "sesame"),
        (format!("Authorization: Bearer {long}"), long),
        ("authorization: Basic YWRtaW46c2VzYW1l".to_owned(), "YWRtaW46c2VzYW1l"),
        (format!("-H 'X-Auth-Token: {long}'"), long),
        ("AccountKey=AbCdEfGh01234567==;EndpointSuffix=core".to_owned(), "AbCdEfGh01234567"),
        (format!("ghp_{}", &long[..36]), long.get(..36).unwrap()),
        ("github_pat_11ABCDEFG0aBcDeFgHiJkL_0123456789".to_owned(), "aBcDeFgHiJkL"),
        ("glpat-aBcDeFgHiJkLmNoPqRsT".to_owned(), "aBcDeFgHiJ"),
        ("xoxb-123456789012-abcdefABCDEF".to_owned(), "abcdefABCDEF"),
        (["sk", "_live_4eC39HqLyjWDarjtT1zdp7dc"].concat(), "4eC39HqLyjWDarjtT1zdp7dc"),
        ("AIzaSyA-1234567890abcdefghijklmnopqrstu".to_owned(), "1234567890"),
        (
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
                .to_owned(),
            "dozjgNryP4J3",
        ),
        (
            "https://hooks.slack.com/services/T00000000/B00000000/aBcDeFgHiJkLmNoPqRsTuVwX".to_owned(),
            "aBcDeFgHiJkL",
        ),
        ("npm_aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789".to_owned(), "aBcDeFgHiJkL"),
        ("sk-proj-aBcDeFgHiJkLmNoPqRsTuVwXyZ012345".to_owned(), "aBcDeFgHiJkL"),
    ] {
        let secrets = Secrets::default();
        let masked = secrets.mask(&text);
        assert!(!masked.contains(secret) && masked.contains(MASK), "{text} became {masked}");
        assert_eq!(secrets.mask(&masked), masked, "masking again changes nothing");
    }
}

#[test]
fn what_only_looks_so_stays() {
    for text in [
        "Enter password: ",
        "Access denied for user 'x'@'10.0.1.10' (using password: YES)",
        "password: required; token: expired",
        "AUTH_KEY: 64 characters",
        "TOKEN=$(curl -X PUT http://169.254.169.254/latest/api/token)",
        "PASSWORD=$1; mysql -p\"$PASSWORD\" --password=${PASSWORD} -u \"$USER\"",
        "mysql -p # asks\nmysql -h db -P 3306",
        "printf '[client]\\npassword = \"%s\"\\n' \"$NEW\"",
        "curl -u \"$NAME:$PASSWORD\" https://user@host/ http://host:8080/a@b",
        "if token == expected { token = lexer.next(); }",
        "\"NextToken\": \"eyJOZXh0VG9rZW4iOiBudWxsfQ==\", \"ClientToken\": \"0f0e0d0c-1111-2222-3333-444455556666\"",
        "token_type=bearer&PASSWORD_FILE=/run/secrets/db",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709  file",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
        "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8 host (ED25519)",
        "2a:d8:00:0b:5c:6c:2e:9d:97:8d:5e:6d:1a:0f:24:a3",
        "i-0123456789abcdef0 vpc-0fedcba9876543210",
        "/usr/lib/x86_64/Perl5/ModuleOfSomeOne/Auto12",
        "com/example/AbstractSingletonProxyFactoryBean1",
        "disk-by-path-is-not-a-key-of-anyone-0123456789",
        "AKIAIOSFODNN7EXAMPLE",
        "OLDPWD=/home/admin\nPWD=/home/admin\nKEY=key-0123456789abcdef0",
        "etag: \"33a64df551425fcc55e4d42a148795d9f25f89d4\"",
    ] {
        assert_eq!(mask(text), text);
    }
}

#[test]
fn a_known_secret_is_found_however_it_is_written() {
    let secret = "p/w:d&x\"<é>hunter 2+";
    let secrets = Secrets::default();
    secrets.add(secret);
    let encoded: String =
        percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string();
    let bytes = secret.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut ways = vec![
        secret.to_owned(),
        encoded.to_lowercase(),
        encoded.replace("%20", "+"),
        encoded,
        serde_json::to_string(secret).unwrap().trim_matches('"').to_owned(),
        quick_xml::escape::escape(secret).into_owned(),
        "p\\/w:d\\&x\\\"\\<é\\>hunter\\ 2+".to_owned(),
        hex,
    ];
    for before in ["", "u", "us", "use", "user:"] {
        for behind in ["", "x", "xy"] {
            let text = format!("{before}{secret}{behind}");
            ways.push(STANDARD.encode(&text));
            ways.push(URL_SAFE_NO_PAD.encode(&text));
        }
    }
    for way in ways {
        let masked = secrets.mask(&format!("a {way} b"));
        assert_eq!(masked, format!("a {MASK} b"), "{way}");
    }
}

#[test]
fn a_known_secret_is_found_across_the_lines_of_base64() {
    let secret = "p/w:d&x\"<é>hunter 2+";
    let secrets = Secrets::default();
    secrets.add(secret);
    for before in 0..60 {
        let coded = STANDARD.encode(format!("{}{secret}{}", "b".repeat(before), "a".repeat(120)));
        let lines: Vec<&str> =
            coded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let masked = secrets.mask(&format!("a\n{}\nend\n", lines.join("\n")));
        // Of the lines, those that hold a part of it are masked.
        let first = before / 57;
        let last = (before + secret.len() - 1) / 57;
        assert!(!masked.contains(lines[first]) && !masked.contains(lines[last]), "{before}: {masked}");
        let end = format!("{}\nend\n", lines[lines.len() - 1]);
        assert!(masked.starts_with("a\n") && masked.ends_with(&end), "{masked}");
    }
}

#[test]
fn a_key_in_base64_is_one_line_by_line_too() {
    let secrets = Secrets::default();
    secrets.add_key(&key("RSA "));
    let coded = STANDARD.encode(key("RSA "));
    for line in coded.as_bytes().chunks(76) {
        let line = std::str::from_utf8(line).unwrap();
        assert!(line.len() < 76 || secrets.mask(line) == MASK, "{line}");
    }
    assert_eq!(mask(&coded), MASK, "also of an unknown one, by its first line");
}

#[test]
fn what_is_named_once_is_known_everywhere() {
    let secrets = Secrets::default();
    assert_eq!(secrets.mask_value("DB_PASSWORD", "open sesame street"), MASK);
    assert_eq!(secrets.mask("cat: open sesame street"), format!("cat: {MASK}"));
    assert_eq!(secrets.mask_value("A", "open sesame street"), MASK, "by its value");
    // A word is masked where its name stands, and nowhere else.
    assert_eq!(secrets.mask_value("DB_PASSWORD", "wordpress"), MASK);
    assert_eq!(secrets.mask("wordpress"), "wordpress");
    assert_eq!(secrets.mask_value("DB_PASSWORD", ""), "");
    let clone = secrets.clone();
    assert!(clone.mask("token=Zx8Qw3Er5Ty7").ends_with(MASK));
    assert_eq!(secrets.mask("Zx8Qw3Er5Ty7"), MASK, "clones share what they know");
}

#[test]
fn words_go_the_longest_first() {
    let secrets = Secrets::default();
    secrets.add("pass");
    secrets.add("passw0rd!");
    secrets.add("x");
    assert_eq!(secrets.mask("passw0rd! pass x"), format!("{MASK} {MASK} x"));
}

#[test]
fn nothing_of_the_course_is_masked() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for directory in ["lessons", "snapshots"] {
        let secrets = Secrets::default();
        for entry in std::fs::read_dir(root.join(directory)).unwrap() {
            let path = entry.unwrap().path();
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            // But for a password that lesson 07 types.
            let masked = if directory == "lessons" { secrets.mask_typed(&text) } else { secrets.mask(&text) };
            let changed: Vec<_> = text
                .lines()
                .zip(masked.lines())
                .filter(|(old, new)| old != new && !old.ends_with("password: please-let-me-in"))
                .collect();
            assert!(changed.is_empty(), "{}: {changed:?}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 200);
}
