//! What a page shows of a block.

use lab::snapshot::Record;

use super::course::{Course, recorded, text};

#[test]
fn a_result_tells_where_when_and_how_it_ended() {
    let course = Course::new("# First\n\n```sh {#it on=db via=web eventually=1m}\nping -c 1 db\n```\n");
    let mut record = Record { output: "pong".into(), ..recorded() };
    record.origin.attempts = 3;
    record.origin.host = "db".into();
    record.origin.extra = vec![("beside".into(), "start-ticker".into())];
    course.record("it", &record);
    let page = course.page();
    let shown = text(page.block("it"));
    for part in [
        "without what start-ticker has left running, which printed meanwhile",
        "db",
        "ssh -J admin@web admin@db",
        "exit status 0",
        "after 3 attempts",
        "Debian 13, local region us-east-1",
        "2026-11-22",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(text(&page.0).contains("Recorded on Debian 13, local region us-east-1, 2026-11-22."));
}

#[test]
fn what_is_not_recorded_says_so_and_borrows_from_nobody() {
    let course = Course::new(
        "# First\n\n```sh {#it os=debian}\napt-get\n```\n\n```sh {#it os=al2023}\ndnf\n```\n\n```sh {#other}\ntrue\n```\n",
    );
    course.record("it", &Record { output: "from Debian".into(), ..recorded() });
    let page = course.page();
    let shown = text(&page.0);
    assert_eq!(shown.matches("from Debian").count(), 1);
    assert_eq!(page.0.matches("class=\"lab-foot lab-unrecorded\"").count(), 2);
    assert!(
        shown.contains("1 result is not recorded yet. 1 result on Amazon Linux 2023 is not recorded yet.")
    );
    // Tabs without a script: one radio button for each variant, the first chosen.
    assert_eq!(page.0.matches("type=\"radio\"").count(), 2);
    assert_eq!(page.0.matches("checked=\"\"").count(), 1);
    assert!(shown.contains("Debian 13") && shown.contains("Amazon Linux 2023"));
}

#[test]
fn a_variant_without_others_says_for_which_system_it_is() {
    let course = Course::new("# First\n\n```sh {#it os=al2023}\ndnf\n```\n");
    let page = course.page();
    assert!(text(page.block("it")).contains("on Amazon Linux 2023 only"), "{}", page.0);
    assert!(!page.0.contains("type=\"radio\""), "{}", page.0);
}

#[test]
fn what_is_hidden_and_what_checks_is_not_in_the_book() {
    let course = Course::new(
        "# First\n\n```sh {#a hidden}\necho secret-a; ID=1\n```\n\n```sh {#b check}\necho secret-b\n```\n\n```sh {#c show=none}\nid $ID\n```\n",
    );
    for block in ["a", "b", "c"] {
        let variables = if block == "a" { vec![("ID".to_owned(), "from-a".to_owned())] } else { Vec::new() };
        course.record(block, &Record { output: "printed".into(), variables, ..recorded() });
    }
    let page = course.page();
    assert!(!page.0.contains("secret-") && !page.0.contains("printed"), "{}", page.0);
    assert!(text(page.block("c")).contains("1 line of output, not shown"));
    assert!(
        page.block("c").contains("title=\"ID = from-a\""),
        "what a hidden block assigned is known: {}",
        page.block("c")
    );
}

#[test]
fn an_expected_failure_is_marked_as_one() {
    let course = Course::new("# First\n\n```sh {#it exit=28}\ncurl -m 5 x\n```\n\n```sh {#odd}\ntrue\n```\n");
    course.record("it", &Record { exit: 28, ..recorded() });
    course.record("odd", &Record { exit: 1, ..recorded() });
    let page = course.page();
    assert!(page.0.contains("lab-shell lab-failure"), "{}", page.0);
    assert!(text(page.block("it")).contains("fails on purpose: exit status 28"));
    assert!(text(page.block("odd")).contains("exit status 1, but 0 is expected"));
}

#[test]
fn the_way_to_a_host_is_shown_as_it_was() {
    let course =
        Course::new("# First\n\n```sh {#near on=web}\ntrue\n```\n\n```sh {#far on=db via=web}\ntrue\n```\n");
    let mut record = recorded();
    record.origin.extra = vec![("ssh".into(), "ssh -i my-key.pem admin@203.0.113.7".into())];
    course.record("near", &record);
    let far = "ssh -i k -o ProxyCommand='ssh -i k -W %h:%p admin@203.0.113.7' admin@10.0.2.10";
    record.origin.extra = vec![("ssh".into(), far.into())];
    course.record("far", &record);
    let page = course.page();
    assert!(text(page.block("near")).contains("ssh -i my-key.pem admin@203.0.113.7"));
    let block = page.block("far");
    assert!(block.contains("<summary>ssh through web</summary>") && text(block).contains(far), "{block}");
    // The address is the same thing in both.
    let mark = |block: &str| block.matches("data-lab-id=\"0\" title=\"public address\"").count();
    assert_eq!((mark(page.block("near")), mark(block)), (1, 1), "{block}");
}

#[test]
fn a_picture_is_a_file_of_the_book() {
    let course = Course::new("# First\n\n```http {#ask screenshot}\nGET http://192.0.2.1/\n```\n");
    let output = "HTTP/1.1 200 OK\n\nTitle: It \"works\" <b>";
    course.record("ask", &Record { output: output.into(), ..recorded() });
    // A picture that no page shows is not copied.
    for name in ["01-first__ask.png", "01-first__other.png"] {
        std::fs::write(course.path().join("snapshots").join(name), PNG).expect("written");
    }
    let page = course.page();
    let block = page.block("ask");
    assert!(
        block.contains("<a href=\"pictures/01-first__ask.png\"><img src=\"pictures/01-first__ask.png\" "),
        "{block}"
    );
    let alt = "alt=\"The page “It &quot;works&quot; &lt;b&gt;” in a browser\" width=\"960\" height=\"880\"";
    assert!(block.contains(alt), "{block}");
    let pictures = std::fs::read_dir(course.path().join("out/pictures")).expect("pictures");
    let pictures: Vec<_> = pictures.map(|entry| entry.expect("a file").file_name()).collect();
    assert_eq!(pictures, ["01-first__ask.png"]);
}

/// The beginning of a PNG of 960 by 880.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x03\xc0\0\0\x03\x70\x08\x02\0\0\0";

#[test]
fn a_book_that_begins_with_a_lesson_gets_a_first_page() {
    let course = Course::new("# First `<i>`\n\nAt the end of this lesson `{{#include x}}` *stands*. More.\n");
    course.write(
        "book.toml",
        "[book]\nsrc = \"lessons\"\ntitle = \"A {{#title}} *book*\"\ndescription = \"About <b>\"\n",
    );
    let page = course.page_named("index.html");
    let words: Vec<String> = text(&page.0).split_whitespace().map(str::to_owned).collect();
    let words = words.join(" ");
    let begin = "A {{#title}} *book* About <b>. Lessons 1. First <i> {{#include x}} stands. How to read";
    assert!(words.starts_with(begin), "{words}");
    assert!(page.0.contains("<a href=\"01-first.html\">"), "{}", page.0);

    course.write("lessons/SUMMARY.md", "# Summary\n\n[Own](README.md)\n\n- [First](01-first.md)\n");
    course.write("lessons/README.md", "# Own\n");
    assert!(!course.page_named("index.html").0.contains("lab-contents"), "a book with a first page keeps it");
}

#[test]
fn one_thing_has_one_colour_and_one_name_throughout() {
    let course = Course::new(
        "# First\n\n```sh {#make}\nSUBNET=$(aws ec2 create-subnet)\n```\n\n```sh {#show}\naws ec2 describe-subnets --subnet-ids $SUBNET\n```\n",
    );
    let id = "subnet-0123456789abcdef0";
    course.record("make", &Record { variables: vec![("SUBNET".into(), id.into())], ..recorded() });
    course.record("show", &Record { output: format!(r#"{{"Name": "public", "Id": "{id}"}}"#), ..recorded() });
    let page = course.page();
    let mark = "class=\"lab-id\" style=\"--h:255\" data-lab-id=\"0\"";
    // As the variable where it is assigned, in the result, in the command that uses it, and in what that printed.
    assert_eq!(
        (page.0.matches(mark).count(), page.0.matches("class=\"lab-id\"").count()),
        (5, 5),
        "{}",
        page.0
    );
    assert!(page.block("make").contains("title=\"subnet public, $SUBNET\""), "{}", page.block("make"));
    assert!(text(page.block("make")).contains(&format!("SUBNET = {id}")));
}

#[test]
fn only_commands_can_be_copied() {
    let course = Course::new(
        "# First\n\n```sh {#it}\necho one\n```\n\n```console {#talk}\n$ cat\n> hello\n^D\n```\n\n```http {#ask}\nGET http://192.0.2.1/\n```\n",
    );
    course.record("it", &Record { output: "one".into(), ..recorded() });
    course.record("talk", &Record { output: "$ cat\nhello\nhello\n$ ".into(), ..recorded() });
    course.record("ask", &Record { output: "HTTP/1.1 200 OK\nServer: x\n\nTitle".into(), ..recorded() });
    let page = course.page();
    // mdBook gives a button to every `pre code`; what was printed must be in none.
    assert_eq!(page.0.matches("<pre class=\"lab-typed\">").count(), 2);
    assert_eq!(page.block("it").matches("<code").count(), 1);
    let talk = page.block("talk");
    assert!(!talk.contains("<code") && talk.contains("data-lab-copy=\"cat\nhello\n\""), "{talk}");
    assert_eq!(talk.matches("<kbd>").count(), 2, "{talk}");
    assert!(talk.contains("<kbd>hello</kbd>\nhello\n"), "{talk}");
    assert!(text(page.block("ask")).contains("HTTP/1.1 200 OK\nServer: x"));
}

#[test]
fn blocks_in_lists_and_quotations_stay_there() {
    let course = Course::new(
        "# First\n\n- one\n\n  ```sh {#a}\n  true\n  ```\n  below\n\n> ```sh {#b}\n> true\n> ```\n> behind\n",
    );
    let page = course.page();
    let tidy: String = page.0.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(tidy.contains("<p>below</p> </li>"), "{tidy}");
    assert!(tidy.contains("<p>behind</p> </blockquote>"), "{tidy}");
    assert_eq!(page.0.matches("<blockquote>").count(), 1);
}

#[test]
fn mistakes_in_lessons_end_the_build_with_their_place() {
    let course = Course::new("# First\n\n```sh {#it exit=never}\ntrue\n```\n");
    let error = lab::book::build(course.path(), None).expect_err("it must fail").to_string();
    assert!(error.contains("lessons/01-first.md:3"), "{error}");
}

#[test]
fn every_kind_of_block_has_its_page() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/course");
    let out = tempfile::tempdir().expect("a directory");
    lab::book::build(&root, Some(out.path())).expect("the book is built");
    let page = std::fs::read_to_string(out.path().join("01-every-kind.html")).expect("a page");
    for kind in ["shell", "console", "http", "diagram", "file", "background", "stop", "logs"] {
        assert!(page.contains(&format!("class=\"lab-block lab-{kind}")), "{kind}");
    }
    // Both drawings, each for wide and narrow pages.
    assert_eq!(page.matches("<svg class=\"lab-drawing").count(), 4);
    assert!(out.path().join("theme").is_dir(), "the style sheet and the script are there");
}

#[test]
fn the_lessons_of_this_course_make_a_book() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = tempfile::tempdir().expect("a directory");
    lab::book::build(root, Some(out.path())).expect("the book is built");
    let lessons = std::fs::read_dir(root.join("lessons")).expect("lessons").flatten();
    for lesson in lessons.filter(|entry| entry.file_name() != "SUMMARY.md") {
        let page = out.path().join(lesson.file_name()).with_extension("html");
        let html = std::fs::read_to_string(&page).expect("a page");
        assert!(html.contains("data-lab-block"), "{}", page.display());
        assert!(!html.contains("{#"), "a fence was left as it was in {}", page.display());
    }
}
