//! `file`: the text of a block becomes a file, byte for byte.

use super::Ran;
use crate::blocks::with_web;
use crate::course::{Course, Region};

/// Nothing in it may be taken for something else: by Markdown, the shell, or a template.
const TEXT: &str = "#!/bin/sh\n$VPC ${VPC} $(false) `false` \\n \\\\ \"'\n\n\ttab, trailing blanks  \n{{ x }} {#no} <b>&amp;\nüñí 漢字\n...";

#[test]
fn a_file_is_written_byte_for_byte_where_the_lesson_says() {
    let region = Region::new();
    let fence = |attributes: &str| format!("```text {{{attributes}}}\n{TEXT}\n```\n\n");
    let blocks = [
        fence("#here file=a.txt"),
        "```sh {#look-here}\ncat a.txt; sha256sum <a.txt; ls -l a.txt | cut -c 1-10\nmkdir -p deep/er; cd deep/er\n```\n\n".into(),
        fence("#beside file=b.txt"),
        "```sh {#look-beside}\npwd; cmp b.txt ~/a.txt && echo the same\ncd\n```\n\n".into(),
        "```text {#again file=a.txt}\nshort\n```\n\n```sh {#look-again}\ncat a.txt\n```\n\n".into(),
        fence("#there file=~/c.txt on=web"),
        fence("#absolute file=/tmp/d.txt on=web"),
        "```sh {#look-there on=web}\ncat c.txt; sha256sum <c.txt; cmp c.txt /tmp/d.txt && stat -c %U c.txt\n```\n\n".into(),
        "```text {#refused file=/etc/x on=web}\nx\n```\n".into(),
    ];
    let course = Course::of(&region, "files", &with_web(&blocks.concat()));
    let ran = Ran::recording(&course, "files");
    let sum = sha256(&format!("{TEXT}\n"));
    assert_eq!(ran.output("look-here"), format!("{TEXT}\n{sum}  -\n-rw-r--r--\n"));
    assert!(ran.output("look-beside").ends_with("/deep/er\nthe same\n"), "{}", ran.output("look-beside"));
    assert_eq!(ran.output("look-again"), "short\n", "what was there is gone");
    assert_eq!(ran.output("look-there"), format!("{TEXT}\n{sum}  -\nadmin\n"));
    for block in ["here", "there", "absolute"] {
        assert_eq!(ran.output(block), "");
    }
    let reason = ran.failure("refused");
    assert!(reason.contains("write /etc/x on web: permission denied"), "{reason}");
    assert!(reason.contains("sudo install"), "{reason}");
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
