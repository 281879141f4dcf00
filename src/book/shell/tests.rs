//! Colours, and that they change nothing.

use super::*;

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn paint(script: &str, before: &[(&str, &str)], after: &[(&str, &str)]) -> String {
    let mut ids = Identities::default();
    highlight(script, &values(before), &values(after), &mut ids, &Names::default()).into_string()
}

/// The text without its tags and with its characters.
fn text(html: &str) -> String {
    let mut out = String::new();
    let mut tag = false;
    for c in html.chars() {
        match c {
            '<' => tag = true,
            '>' => tag = false,
            c if !tag => out.push(c),
            _ => {}
        }
    }
    [
        ("&#10;", "\n"),
        ("&#9;", "\t"),
        ("&#39;", "'"),
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#123;", "{"),
        ("&#125;", "}"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(out, |out, (from, to)| out.replace(from, to))
}

#[test]
fn no_character_is_lost_or_added() {
    for script in [
        "VPC=$(aws ec2 create-vpc --cidr-block 10.0.0.0/16 \\\n  --query \"Vpc.$X\" --output text) # why\necho 'it''s'\n",
        "cat > f << END\nHost *\n  don't $HOST ${A:-b} é$X\nEND\necho after",
        "cat << END\nété $HOSTé\n日本 $X日\n\nEND\n",
        "cat << 'END'\n– $X\nEND\n",
        "cat <<-'EOF' | sed 's/a/b/'\n\tit's $x\n\tEOF\nx=1 y+=2 z\n",
        "echo $((1 + 2)) ${X} ${X:-y} $1 $ \\",
        "\"unclosed $(",
        "'unclosed",
        "cat << END",
        "日本語 #x a#b $日 \\日",
    ] {
        assert_eq!(text(&paint(script, &[("X", "1")], &[("VPC", "v")])), script);
    }
}

#[test]
fn a_variable_means_its_new_value_from_its_assignment_on() {
    let html = paint(
        "OLD=$IP\nIP=$(x)\nping $IP",
        &[("IP", "192.0.2.1")],
        &[("OLD", "192.0.2.1"), ("IP", "192.0.2.2")],
    );
    let one = html.matches("= 192.0.2.1&#10;public address").count();
    let two = html.matches("= 192.0.2.2&#10;public address").count();
    assert_eq!((one, two), (2, 2), "{html}");
}

#[test]
fn here_documents_are_text_and_shifts_are_not() {
    let text = r#"<span class="lab-text">"#;
    assert!(
        paint("cat << END\none\nEND\necho two", &[], &[]).contains(&format!("{text}one&#10;</span>END&#10;"))
    );
    assert!(!paint("x=$((1 << 24))\necho two", &[], &[]).contains(text));
    assert!(!paint("x=$((1 & (2 << 24)))", &[], &[]).contains("lab-program"));
    assert!(!paint("read x <<< two\necho three", &[], &[]).contains(text));
}

#[test]
fn texts_comments_and_options_are_told_apart() {
    let html = paint("aws --output text 'a b' \"c\" # d", &[], &[]);
    for part in [
        r#"<span class="lab-program">aws</span>"#,
        r#"<span class="lab-option">--output</span> text"#,
        r#"<span class="lab-text">&#39;a b&#39;</span>"#,
        r#"<span class="lab-comment"># d</span>"#,
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
}
