//! Identities: what stands for one thing and is different in every run.

use std::ops::Range;
use std::sync::LazyLock;

use super::rule::Part::{self, Identity, With, Within};
use super::rule::Rule;
use super::{Class, Finder, Kind, address, region};

/// Keys and other long texts, which could look like something else in parts; so they come first.
pub(super) static KEYS: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    vec![
        Rule::new(r"\bAAAA[BCE][A-Za-z0-9+/]{40,}={0,2}", [Identity(Class::PublicKey)]),
        Rule::new(r"\bSHA256:([A-Za-z0-9+/]{43})", [With(fingerprint)]),
        Rule::new(r#"(?:^|[\s"|])([A-Za-z0-9+/]{43})=(?:$|[\s"|])"#, [With(fingerprint)]),
        Rule::new(r"\b[0-9a-f]{2}(?::[0-9a-f]{2}){15,19}\b", [With(hex_fingerprint)]),
        Rule::new(r"\b[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}\b", [With(address::mac)]),
        Rule::new(
            r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
            [Identity(Class::Uuid)],
        ),
        Rule::new(r"\b(?:AKIA|ASIA|AIDA|AROA)[A-Z0-9]{12,17}\b", [Identity(Class::Opaque)]),
        Rule::new(r#"(?i)token"?[:=] *"?([A-Za-z0-9_+/-]{32,}={0,2})"#, [Identity(Class::Opaque)]),
        Rule::new(r"\bAQA[A-Za-z0-9_+/-]{37,}={0,2}", [Identity(Class::Opaque)]),
        Rule::new(r"(?i)\b(?:boot|machine)[ _-]?id[:=]? *([0-9a-f]{32})\b", [Identity(Class::Opaque)]),
        Rule::new(r"(?i)^set-cookie: *[^=\s;]+=([^;\s]{8,})", [Identity(Class::Opaque)]),
        // A host's name in known_hosts, hashed with a salt.
        Rule::new(
            r"\|1\|([A-Za-z0-9+/]{27}=)\|([A-Za-z0-9+/]{27}=)",
            [Identity(Class::Opaque), Identity(Class::Opaque)],
        ),
        Rule::new(r"\btmp\.([A-Za-z0-9]{6,12})\b", [Identity(Class::Opaque)]),
    ]
});

/// What the cloud assigns.
pub(super) static CLOUD: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    const REGION: &str = "(?:us|eu|ap|sa|ca|me|af|il|mx|cn)-(?:gov-)?(?:north|south|east|west|central|northeast\
                          |southeast|northwest|southwest)-[0-9]";
    const LONG: &str = "[0-9a-f]{17}";
    const OLD: &str = "acl|aclassoc|ami|dopt|eipalloc|eipassoc|eni|eni-attach|i|igw|key|nat|pcx|r|rtb|rtbassoc|sg|sgr|\
                       snap|subnet|vol|vpc";
    vec![
        Rule::new(
            &format!(
                r"\b(?:ec2|{REGION}\.compute)\.internal\b|\b(?:compute-1|{REGION}\.compute)\.amazonaws\.com\b"
            ),
            [With(region::domain)],
        ),
        Rule::new(&format!(r"\b({REGION})[a-z]?\b"), [Identity(Class::Region)]),
        Rule::new(r"\b[a-z]{2,4}[0-9]-az[0-9]\b", [Identity(Class::ZoneId)]),
        Rule::new(&format!(r"\b[a-z]+(?:-[a-z]+)*-{LONG}\b"), [With(cloud_id)]),
        Rule::new(&format!(r"\b(?:{OLD})-[0-9a-f]{{8}}\b"), [With(cloud_id)]),
        Rule::new(r"\b(\d{1,3}(?:\.\d{1,3}){3})\.in-addr\.arpa\b", [With(address::reversed)]),
        Rule::new(r"\b(?:ip|ec2)-(\d{1,3}(?:-\d{1,3}){3})\b", [With(address::dashed)]),
        Rule::new(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", [With(address::dotted)]),
        Rule::new(r"[0-9a-fA-F]{0,4}:[0-9a-fA-F:]*:[0-9a-fA-F:]*", [Within(address::ipv6)]),
        Rule::new(r"\b\d{12}\b", [With(account)]),
    ]
});

/// What a machine's kernel assigns: process ids, interface numbers, ephemeral ports, connections.
pub(super) static MACHINE: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    const ADDRESS: &str = r"\d{1,3}(?:\.\d{1,3}){3}";
    let pid = || -> [Part; 1] { [With(process)] };
    let port = || -> [Part; 1] { [With(ephemeral_port)] };
    let connection = || -> [Part; 1] { [Identity(Class::Connection)] };
    vec![
        Rule::new(r"\b[\w.@:/-]+\[(\d+)\]:", pid()),
        Rule::new(r"\b(?i:pids?)\b *[:=(]? *(\d+)\b", pid()),
        Rule::new(r"\bProcess: (\d+) Exec", pid()),
        Rule::new(r"[├└]─ *(\d+) ", pid()),
        Rule::new(r"^\[\d+\][+-]? +(\d+)\b", pid()),
        Rule::new(r"^(\d{2,7}) (?:/[\w./-]+|(?:sshd[\w-]*|nginx|php-fpm[\w.]*|postgres):)(?: |$)", pid()),
        Rule::new(r"^(\d+): [\w.-]+@", [Identity(Class::Interface)]),
        Rule::new(r"@if(\d+)\b", [Identity(Class::Interface)]),
        Rule::new(r"\bpts/(\d+)\b", [Identity(Class::Terminal)]),
        Rule::new(
            &format!(r"\b{ADDRESS} (\d{{5}}) {ADDRESS} (\d{{1,5}})\b"),
            [With(ephemeral_port), With(ephemeral_port)],
        ),
        Rule::new(&format!(r"\b{ADDRESS} (\d{{5}}) \d{{1,5}}$"), port()),
        Rule::new(&format!(r"\b{ADDRESS}\.(\d{{5}})(?: >|:|$)"), port()),
        Rule::new(r"\bport (\d{5})\b", port()),
        Rule::new(r"[\d\]a-z]:(\d{5})\b", port()),
        Rule::new(r"(?i)\bconnection id(?: is|:)?\s+(\d+)\b", connection()),
        Rule::new(r"(?i)\bthread id *[:=]? *(\d+)\b", connection()),
        Rule::new(r"\bstatus: [A-Z]+, id: (\d+)$", connection()),
        Rule::new(r"\bICMP echo (?:request|reply), id (\d+)\b", connection()),
        Rule::new(r"\bInode: (\d+)\b", connection()),
        Rule::new(r"\bsk:([0-9a-f]+)\b", connection()),
    ]
});

fn fingerprint(finder: &Finder<'_>, span: Range<usize>) -> Option<Kind> {
    let text = &finder.text[span];
    // 43 letters of one case are a long word, not a hash.
    let mixed =
        text.contains(|c: char| c.is_ascii_lowercase()) && text.contains(|c: char| c.is_ascii_uppercase());
    mixed.then(|| Kind::identity(Class::Fingerprint, text))
}

fn hex_fingerprint(finder: &Finder<'_>, span: Range<usize>) -> Option<Kind> {
    let text = &finder.text[span];
    let pairs = text.split(':').count();
    matches!(pairs, 16 | 20).then(|| Kind::identity(Class::HexFingerprint(pairs), text))
}

fn cloud_id(finder: &Finder<'_>, span: Range<usize>) -> Option<Kind> {
    let text = &finder.text[span];
    let (prefix, _) = text.rsplit_once('-')?;
    Some(Kind::identity(Class::Cloud(prefix.to_owned()), text))
}

fn account(finder: &Finder<'_>, span: Range<usize>) -> Option<Kind> {
    /// Publishers of images: the same for everyone (Debian, Canonical, Amazon).
    const KNOWN: [&str; 3] = ["136693071363", "099720109477", "137112412989"];
    let text = &finder.text[span.clone()];
    let in_number = matches!(finder.byte_before(span.start), b'.' | b'-' | b'+');
    (!in_number && !KNOWN.contains(&text)).then(|| Kind::identity(Class::Account, text))
}

/// A process id. The first two are the system's in every boot.
pub(super) fn process(finder: &Finder<'_>, span: Range<usize>) -> Option<Kind> {
    let text = &finder.text[span];
    let pid: u32 = text.parse().ok()?;
    (pid > 2).then(|| Kind::identity(Class::Process, text))
}

/// A port that the kernel chose: from Linux's range upwards, not chosen by the lesson, and nobody listens on it.
fn ephemeral_port(finder: &Finder<'_>, span: Range<usize>) -> Option<Kind> {
    let text = &finder.text[span.clone()];
    let port: u16 = text.parse().ok()?;
    let listening = finder.line_at(span.start).contains("LISTEN");
    (port >= 32768 && !listening && !finder.chosen.has_port(port)).then(|| Kind::identity(Class::Port, text))
}
