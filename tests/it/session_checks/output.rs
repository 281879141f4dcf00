//! What a block reads and prints, and how its text is evaluated.

use lab::session::{Block, Ended};

use super::Subject;

pub async fn standard_error_and_output_are_one_stream_in_order(mut s: Subject) {
    let seen = s
        .output(
            "for i in 1 2 3; do echo out$i; echo err$i >&2; sh -c \"echo child$i; echo cherr$i >&2\"; done",
        )
        .await;
    let expected: String = (1..4).map(|i| format!("out{i}\nerr{i}\nchild{i}\ncherr{i}\n")).collect();
    assert_eq!(seen, expected);
}

pub async fn standard_input_is_empty(mut s: Subject) {
    let outcome = s.run("cat; read x || echo nothing; head -c1 | wc -c; sort; echo end").await;
    assert_eq!(outcome.output.to_text(), "nothing\n0\nend\n");
    let outcome = s.run("exec 0<&-; cat 2>/dev/null || echo closed").await;
    assert_eq!(outcome.output.to_text(), "closed\n");
    assert_eq!(s.output("echo still here").await, "still here\n");
}

pub async fn a_child_that_holds_the_output_open_delays_nothing(mut s: Subject) {
    let outcome = s.run("sleep 300 & echo started").await;
    assert_eq!((outcome.output.to_text().as_str(), &outcome.ended), ("started\n", &Ended::Normally));
    let outcome = s.run("(setsid sleep 3 &) ; echo started; exit 2").await;
    assert_eq!((outcome.output.to_text().as_str(), outcome.status), ("started\n", Some(2)));
    let outcome = s.run("while :; do echo noise; sleep 0.01; done & exec sleep 0.1").await;
    assert_eq!((outcome.status, &outcome.ended), (Some(0), &Ended::ReplacedByExec));
    let outcome = s.run("while :; do echo noise; sleep 0.01; done & sleep 0.2; echo end").await;
    assert_eq!(outcome.status, Some(0));
    assert!(outcome.output.to_text().contains("noise\nend\n"));
}

pub async fn much_output_is_counted_and_its_ends_are_kept(mut s: Subject) {
    let outcome = s.run("echo first; head -c 50000000 /dev/zero | tr '\\0' x; echo; echo last").await;
    assert_eq!((outcome.status, outcome.output.total()), (Some(0), 50_000_000 + 6 + 6));
    assert!(
        outcome.output.head().starts_with(b"first\nxxx") && outcome.output.tail().ends_with(b"xx\nlast\n")
    );
    assert!(outcome.output.head().len() + outcome.output.tail().len() < 512 * 1024);
}

pub async fn any_bytes_come_through(mut s: Subject) {
    let outcome =
        s.run("head -c 300000 /dev/urandom >~/noise; cat ~/noise; printf '\\0\\377no newline'").await;
    assert_eq!(outcome.status, Some(0));
    assert!(outcome.output.tail().ends_with(b"\0\xffno newline"));
    assert_eq!(outcome.output.total(), 300_000 + 12);
    let same = s.run("cat ~/noise; printf '\\0\\377no newline'").await;
    assert_eq!(same.output, outcome.output);
    assert_eq!(s.output("printf x").await, "x");
    assert_eq!(s.output(":").await, "");
}

pub async fn a_syntax_error_is_told_with_its_line(mut s: Subject) {
    s.output("A=kept").await;
    let outcome = s.run("echo one\necho 'unbalanced\necho two").await;
    assert_eq!(outcome.status, Some(2));
    assert_eq!(
        outcome.output.to_text(),
        "one\nbash: eval: line 2: unexpected EOF while looking for matching `''\n"
    );
    let outcome = s.run("if true; then\n  echo x\n").await;
    assert_eq!(outcome.status, Some(2));
    assert!(outcome.output.to_text().contains("syntax error: unexpected end of file"));
    assert_eq!(s.output("echo $A").await, "kept\n");
}

pub async fn nothing_printed_can_forge_the_end(mut s: Subject) {
    let script = "for pid in $$ $PPID; do tr '\\0' '\\n' </proc/$pid/cmdline; done; declare -f; declare -p; \
                  echo done 0 0 0; echo __lab_n x; printf 'exit 0\\0end\\0'; echo real end; (exit 9)";
    let outcome = s.run(script).await;
    assert_eq!((outcome.status, &outcome.ended), (Some(9), &Ended::Normally));
    assert!(outcome.output.to_text().ends_with("real end\n"));
    assert_eq!(s.output("echo next").await, "next\n");
}

pub async fn large_and_odd_texts_are_evaluated_as_written(mut s: Subject) {
    let big = format!("x='{}'; echo ${{#x}}", "y".repeat(200_000));
    assert_eq!(s.output(&big).await, "200000\n");
    assert_eq!(
        s.output("cat <<'A B'\nit's $x `y` \\ \"z\"\nA B\necho 'a'\"'\"'b' \\\n  c # comment").await,
        "it's $x `y` \\ \"z\"\na'b c\n"
    );
    assert_eq!(s.output("# only a comment").await, "");
    assert_eq!(s.output("").await, "");
    assert_eq!(s.output("echo a;\n\n").await, "a\n");
    let refused = s.shell.run(&Block::new("echo \0"), &mut |_| {}).await;
    assert!(refused.is_err());
    assert_eq!(s.output("echo é ✓ 漢字").await, "é ✓ 漢字\n");
}
