use super::*;

fn parse(info: &str) -> (Option<RawInfo>, Vec<(&'static str, String)>) {
    let source = SourceText::new("l.md", info);
    let mut problems = Problems::new(&source);
    let raw = RawInfo::parse(&source, source.span(), &mut problems);
    let found = problems.into_diagnostics();
    let shown = found.iter().map(|d| (d.code, source.slice(d.span.unwrap_or_default()).to_owned())).collect();
    (raw, shown)
}

#[test]
fn names_values_quotes_and_flags() {
    let (raw, problems) = parse(r#"sh {#ping-db on=web until="a \"b\" \d \\" with=A,B hidden}"#);
    assert!(problems.is_empty(), "{problems:?}");
    let raw = raw.unwrap();
    assert_eq!(raw.language, "sh");
    let shown: Vec<_> =
        raw.attributes.iter().map(|a| (a.key.as_str(), a.value.as_ref().map(|v| v.text.as_str()))).collect();
    let until = r#"a "b" \d \"#;
    assert_eq!(
        shown,
        [
            ("#", Some("ping-db")),
            ("on", Some("web")),
            ("until", Some(until)),
            ("with", Some("A,B")),
            ("hidden", None)
        ]
    );
}

#[test]
fn a_place_in_a_value_is_a_place_in_the_text() {
    let info = r#"sh {vary="\"x\\y"}"#;
    let (raw, _) = parse(info);
    let value = raw.unwrap().attributes[0].value.clone().unwrap();
    assert_eq!(value.text, r#""x\y"#);
    assert_eq!(&info[value.place(1)..=value.place(1)], "x");
    assert_eq!(&info[value.place(3)..=value.place(3)], "y");
    let part = value.part(2, 3);
    assert_eq!(&info[part.start..part.end], r"\\");
}

#[test]
fn no_braces_mean_prose() {
    assert!(parse("sh").0.is_none());
    assert!(parse("").0.is_none());
}

#[test]
fn each_slip_is_told() {
    for (info, code, at) in [
        ("{#x}", "no-language", "{"),
        ("sh{#x}", "no-space", "sh{"),
        ("sh x {#x}", "outside-braces", "x"),
        ("sh {#x} y", "outside-braces", "y"),
        ("sh {#x", "braces-not-closed", "{#x"),
        ("sh {#x on=}", "no-value", "on="),
        ("sh {#x on = web}", "bad-attribute", "on ="),
        ("sh {#x, hidden}", "", ""),
        ("sh {#x hidden, check}", "bad-attribute", ","),
        ("sh {#x .big}", "bad-attribute", ".big"),
        ("sh {#x until='a b'}", "bad-quotes", "'a b'"),
        ("sh {#x until=“a b”}", "bad-quotes", "“a b”"),
        ("sh {#x until=\"a b}", "quotes-not-closed", "\"a b}"),
        ("sh {#x until=\"a\"b}", "bad-quotes", "b"),
        ("sh {#x until=a\"b}", "bad-quotes", "\""),
    ] {
        let (_, problems) = parse(info);
        if code.is_empty() {
            assert!(problems.is_empty(), "{info}: {problems:?}");
        } else {
            assert_eq!(problems[0], (code, at.to_owned()), "{info}: {problems:?}");
        }
    }
}
