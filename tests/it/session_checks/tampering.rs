//! Blocks that change the shell under the protocol's feet.

use std::sync::Arc;

use lab::session::Ended;

use super::Subject;

pub async fn closed_descriptors_end_in_a_clear_result(mut s: Subject) {
    let outcome = s.run("echo a; exec >&- 2>&-; true").await;
    assert_eq!((outcome.status, outcome.output.to_text().as_str()), (Some(0), "a\n"));
    assert_eq!(s.output("echo b").await, "b\n");
    let outcome = s.run("A=1; echo a; for fd in {0..9} 240 241; do eval \"exec $fd>&-\"; done").await;
    assert_eq!((outcome.status, outcome.output.to_text().as_str()), (Some(0), "a\n"), "{:?}", outcome.ended);
    assert_eq!(s.output("echo c$A").await, "c1\n");
    let outcome = s.run("exec >~/log; echo to the log").await;
    assert_eq!(outcome.output.to_text(), "");
    assert_eq!(s.output("cat ~/log").await, "to the log\n");
}

pub async fn a_changed_shell_still_tells_how_its_blocks_end(mut s: Subject) {
    let scripts = [
        "IFS=0123456789abcdef",
        "PATH=/nonexistent",
        "unset PATH",
        "LANG=C LC_ALL=C; LC_ALL=tr_TR.UTF-8",
        "printf() { :; }; echo() { :; }; declare() { :; }; read() { :; }; eval() { :; }; set() { :; }; trap() { :; }; pwd() { :; }",
        "set -u; set -o pipefail",
        "set -C",
        "set -f",
        "set -o posix",
        "shopt -s expand_aliases; alias builtin=false printf=false set=false eval=false",
        "shopt -s nocasematch extglob nullglob failglob dotglob globstar lastpipe inherit_errexit",
        "set -k",
        "set -x",
        "set -v",
        "set -a",
        "set -b; set -h; set -P; set -H; set -m",
        "umask 777",
        "readonly BASHLIKE=1 REPLY=x",
        "trap 'builtin printf usr' USR1; trap '' TERM INT PIPE; trap 'true' DEBUG; trap 'true' RETURN",
        "mkdir ~/gone; cd ~/gone; rmdir ~/gone",
        "ulimit -n 250 || true",
        "enable -n echo",
        "unset HOME TERM; export -n LANG",
        "set -- a b c; shift",
        "exec 5>/dev/null 6</dev/null",
        "coproc cat; true",
        "LINENO=7; unset LINENO",
        "unset BASH_SUBSHELL FUNCNAME",
    ];
    for script in scripts {
        // Seen only when something here fails.
        eprintln!("{script}");
        let mut one = Subject::new(Arc::clone(&s.machine), s.scratch.clone());
        let first = one.run(script).await;
        assert_eq!(
            (first.status, &first.ended),
            (Some(0), &Ended::Normally),
            "{script}\n{}",
            first.output.to_text()
        );
        let second =
            one.run("MARK=set; \\builtin printf 'out '; \\command false; \\builtin echo never").await;
        assert_eq!(
            (second.status, &second.ended),
            (Some(1), &Ended::Normally),
            "after {script}\n{}",
            second.output.to_text()
        );
        assert_eq!(second.output.to_text().lines().last(), Some("out "), "after {script}");
        assert_eq!(one.shell.state().variable("MARK").as_deref(), Some("set"), "after {script}");
        let left = one.run("exit 3").await;
        assert_eq!((left.status, &left.ended), (Some(3), &Ended::Exited), "after {script}");
        let third = one.run("\\builtin echo \"$MARK\"").await;
        assert_eq!(
            (third.status, third.output.to_text().as_str()),
            (Some(0), "set\n"),
            "restored after {script}"
        );
        one.shell.close().await;
    }
    s.output("true").await;
}

pub async fn a_traps_of_the_block_do_not_hide_its_end(mut s: Subject) {
    let outcome = s.run("trap 'echo bye' EXIT; A=1; exit 4").await;
    assert_eq!((outcome.status, &outcome.ended), (Some(4), &Ended::Exited));
    assert_eq!(outcome.output.to_text(), "bye\n");
    let outcome = s.run("trap 'echo oops' ERR; false; echo never").await;
    assert_eq!((outcome.status, outcome.output.to_text().as_str()), (Some(1), "oops\n"));
    assert_eq!(s.output("echo next").await, "next\n");
}
