//! Recorded text is text, whatever it looks like.

use lab::snapshot::Record;

use super::course::{Course, recorded, text};

/// Builds a page with this output, and requires that it is shown as it is and that the page goes on behind it.
#[track_caller]
fn shown_as_it_is(output: &str) {
    let page = Course::printing(output).page();
    assert_eq!(page.output("it"), output);
    assert!(page.0.contains("<h2 id=\"behind\">"), "the heading behind is none any more:\n{}", page.0);
    assert!(page.0.contains("<p>Prose.</p>"), "the prose behind is none any more:\n{}", page.0);
}

#[test]
fn html_is_text() {
    shown_as_it_is("<script>alert(1)</script><img src=x onerror=alert(1)><!-- <b>\n</main></div>&lt;&amp;");
}

#[test]
fn a_closing_pre_closes_nothing() {
    shown_as_it_is("a</pre>\n</samp></code></pre>\n\n<pre>\nb");
}

#[test]
fn fences_in_outputs_end_nothing() {
    shown_as_it_is("```\nout\n```\n\n~~~~sh {#evil}\nrm\n~~~~\n\n````````````");
}

#[test]
fn markdown_in_outputs_is_text() {
    shown_as_it_is(
        "# Heading\n\n- list\n\n*em* **strong** `code` [a](b) ![i](j)\n\n> quote\n\n---\n\n| a | b |\n|---|---|\n\n[ref]: x",
    );
}

#[test]
fn directives_are_not_expanded() {
    shown_as_it_is("{{#include ../lessons/SUMMARY.md}} {{#title evil}} {{content}} \\{{#playground x}}");
}

#[test]
fn directives_are_not_there_for_other_preprocessors_either() {
    use mdbook_preprocessor::Preprocessor as _;
    use mdbook_preprocessor::PreprocessorContext;
    let course = Course::printing("{{#include x}}");
    let variables = vec![("X".into(), "{{#include y}}".into())];
    course.record("it", &Record { output: "{{#include x}}".into(), variables, ..recorded() });
    let book = mdbook_driver::MDBook::load(course.path()).expect("a book");
    let context = PreprocessorContext::new(course.path().to_owned(), book.config.clone(), "html".to_owned());
    let book = lab::book::Lab::default().run(&context, book.book.clone()).expect("it is written");
    assert!(!serde_json::to_string(&book).expect("JSON").contains("{{"));
}

#[test]
fn what_is_left_of_escape_codes_is_shown_and_does_nothing() {
    // A record is made without them; one that was written by hand may still hold some.
    let course = Course::printing("red");
    let file = course.path().join("snapshots/01-first__it.snap");
    let text = std::fs::read_to_string(&file).expect("the record");
    std::fs::write(&file, text.replace("red", "\u{1b}[31mred\u{1b}[0m\u{8}\u{7f}\r!")).expect("written");
    assert_eq!(course.page().output("it"), r"\x1b[31mred\x1b[0m\x08\x7f\x0d!");
}

#[test]
fn empty_lines_blanks_and_tabs_stay() {
    shown_as_it_is("\n\n  a\n\n\n\tb  \n   \n\t\n    indented");
}

#[test]
fn other_scripts_and_long_lines_stay() {
    shown_as_it_is(&format!("日本語 – “quotes” -- ... 'straight' {}", "x".repeat(5000)));
}

/// Characters that turn the direction of writing, that have no width, and the like: in results, commands, variables,
/// titles and prose, a page shows them as what they are, and none is left in its HTML.
#[test]
fn characters_that_nobody_would_see_are_shown_as_what_they_are() {
    const UNSEEN: [char; 12] = [
        '\u{202e}',
        '\u{202a}',
        '\u{2066}',
        '\u{2069}',
        '\u{200b}',
        '\u{200f}',
        '\u{61c}',
        '\u{ad}',
        '\u{2060}',
        '\u{feff}',
        '\u{e0041}',
        '\u{9b}',
    ];
    for c in UNSEEN {
        let code = format!("U+{:04X}", u32::from(c));
        let lesson = format!(
            "# First {c}title\n\nProse {c}here, `code {c}here`.\n\n```sh {{#it}}\nX={c}1\necho {c}rm # {c}\n```\n\n## Behind {c}\n"
        );
        let course = Course::new(&lesson);
        let variables = vec![("X".into(), format!("{c}1"))];
        course.record("it", &Record { output: format!("a{c}b"), variables, ..recorded() });
        let page = course.page();
        assert!(!page.0.contains(c), "{code} is left: {}", page.0);
        assert_eq!(page.output("it"), format!("a{code}b"));
        assert!(page.0.contains("<span class=\"lab-unseen\" title=\"U+"), "{}", page.0);
        let shown = text(&page.0);
        // Control characters and byte order marks are spelt already where a variable is written down.
        let spelt = matches!(c, '\u{feff}' | '\u{9b}');
        let variable = if spelt { "X = ".to_owned() } else { format!("X = {code}1") };
        for part in [
            format!("First {code}title"),
            format!("Prose {code}here"),
            format!("code <{code}>here"),
            variable,
            format!("echo {code}rm # {code}"),
        ] {
            assert!(shown.contains(&part), "`{part}` is not in {shown}");
        }
    }
}

#[test]
fn variables_cannot_leave_their_attribute() {
    let course = Course::new("# First\n\n```sh {#it}\nX=1\necho $X\n```\n");
    let value = "\"><script>alert(1)</script>\n' onmouseover='x {{#include y}}";
    course.record("it", &Record { variables: vec![("X".into(), value.into())], ..recorded() });
    let page = course.page();
    assert!(!page.0.contains("<script>alert"), "{}", page.0);
    let block = page.block("it");
    assert!(block.contains("title=\"X = &quot;&gt;&lt;script&gt;alert(1)"), "{block}");
    assert!(text(block).contains(&format!("X = {value}")), "{block}");
}

#[test]
fn drawings_and_packets_are_escaped_too() {
    let course = Course::new("# First\n\n```diagram {#draw}\n```\n\n```sh {#it}\ntrue\n```\n");
    let evil = "</text></svg><script>alert(1)</script>{{#include x}}";
    let topology = serde_json::json!({"Vpcs": [{"VpcId": "vpc-1", "Name": evil, "CidrBlock": evil}]});
    course.record("draw", &Record { output: topology.to_string(), ..recorded() });
    let packet = serde_json::json!([{"host": evil, "at": 0.0, "from": evil, "to": evil, "protocol": evil, "length": 1, "info": evil}]);
    let mut record = recorded();
    record.origin.extra = vec![("packets".into(), packet.to_string())];
    course.record("it", &record);
    let page = course.page();
    assert!(page.0.contains("&lt;/text&gt;"), "{}", page.0);
    assert!(!page.0.contains("<script>"), "{}", page.0);
    assert!(text(page.block("it")).contains(evil), "{}", page.0);
}
