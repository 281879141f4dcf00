//! Texts made at random: reading never fails, and every place lies in the text.

use proptest::prelude::*;

use super::*;

/// Pieces that lessons are made of, right and wrong.
fn piece() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "# T\n",
        "## S\n",
        "\n",
        "```",
        "````",
        "~~~",
        "sh",
        "console",
        "http",
        "diagram",
        "text",
        " {#a",
        " {#b",
        "}",
        "\n```\n",
        " on=web",
        " via=",
        " with=A,B",
        " exit=300",
        " timeout=2 m",
        " until=\"x",
        "\"",
        "\\",
        " vary=\"(\"",
        " check",
        " stop=a",
        " background",
        " file=x",
        " capture=\"\" capture-on=a,",
        " eventually=1s",
        "> ",
        "- ",
        "  ",
        "\t",
        "\r\n",
        "$ ls\n",
        "> x\n",
        "^C\n",
        "GET http://$X/\n",
        "Host: ${A\n",
        "A=$(aws ec2 describe-vpcs",
        ")",
        "<<EOF\n",
        "EOF\n",
        "$A",
        "`",
        "'",
        "[l](x.md#y)",
        "網路",
        "é",
        " prompt=\"\u{1f600}: \"",
        " os=debain",
        " show=head:0",
        " match=",
        " logs=a",
        " hidden",
    ]);
    prop_oneof![8 => words.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)]
}

proptest! {
    #[test]
    fn any_text_can_be_read(pieces in prop::collection::vec(piece(), 0..60)) {
        let text = pieces.concat();
        let source = SourceText::new("a.md", text.clone());
        let loaded = Course::check(vec![source.clone()], &[], &NoShell);
        for diagnostic in &loaded.diagnostics {
            if let Some(span) = diagnostic.span {
                prop_assert!(text.get(span.start..span.end).is_some(), "{diagnostic:?}");
            }
        }
        prop_assert!(!render(&loaded.diagnostics, &loaded.sources, true).is_empty() || loaded.diagnostics.is_empty());
        if let Some(course) = loaded.course {
            for lesson in course.lessons {
                reproduces_its_text(&lesson);
                for block in lesson.blocks() {
                    prop_assert!(block.span.contains(block.body.span));
                    prop_assert!(text.get(block.body.span.start..block.body.span.end).is_some());
                }
            }
        }
    }

    #[test]
    fn places_in_a_body_are_places_of_the_same_text(lines in prop::collection::vec("[a-zé網 ]{0,8}", 1..6), indent in 0..4_usize, quote: bool) {
        let prefix = if quote { "> ".to_owned() } else { " ".repeat(indent) };
        let mut text = format!("{prefix}```sh\n");
        for line in &lines {
            text.push_str(&format!("{prefix}{line}|\n"));
        }
        text.push_str(&format!("{prefix}```\n"));
        let fences = crate::lesson::markdown::Markdown::parse(&text).fences;
        prop_assert_eq!(fences.len(), 1);
        let body = &fences[0].body;
        for (offset, c) in body.text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
            prop_assert!(text[body.locate(offset)..].starts_with(c));
        }
        prop_assert_eq!(body.text.lines().count(), lines.len());
    }
}
