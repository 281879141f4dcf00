//! Blocks stop where `bash -e` stops: real `bash -e` is the expectation.

use std::process::{Command, Stdio};
use std::sync::Arc;

use lab::session::{Block, Ended, LocalMachine, Setup, Shell};

/// Each is run by `bash -e -c` and as a block; status and output must be the same.
const SCRIPTS: &[&str] = &[
    // Simple commands and lists.
    "echo a; false; echo b",
    "echo a\nfalse\necho b",
    "true && false\necho b",
    "false && true\necho b",
    "true && false && true\necho after",
    "false || true; echo after",
    "false || false; echo after",
    "false || (exit 7); echo after",
    "! true; echo after",
    "! false; echo after",
    "! true",
    "true && ! true",
    "false && echo x",
    "(exit 3)",
    "exit 0",
    // Conditionals.
    "if false; then echo t; else echo e; fi; echo after",
    "if false; true; then echo t; fi",
    "if true; then false; echo b; fi; echo after",
    "while false; do :; done; echo after",
    "until true; do :; done; echo after",
    "n=0; while [ $n -lt 3 ]; do n=$((n+1)); echo $n; [ $n -ne 2 ]; done; echo after",
    "for i in 1 2 3; do echo $i; [ $i = 1 ]; done; echo after",
    "for i in 1 2 3; do if [ $i = 2 ]; then continue; fi; echo $i; done; for i in 1 2; do break; done; echo after",
    "for i in 1 2; do for j in a b; do echo $i$j; false; done; done; echo after",
    "case x in x) false; echo b;; esac; echo after",
    "case $(echo x; false) in x) echo matched;; esac; echo after",
    "[[ a == b ]]; echo after",
    "[[ a == b ]] || echo other; echo after",
    "((0)); echo after",
    "((1)); echo after",
    "let 0; echo after",
    "{ false; echo b; }; echo after",
    "{ false; echo b; } || echo or; echo after",
    "test -e /nonexistent; echo after",
    // Functions.
    "f() { echo in; false; echo not; }; f; echo after",
    "f() { echo in; false; echo here; }; f || echo or; echo after",
    "f() { echo in; false; echo here; }; if f; then echo t; fi; echo after",
    "f() { false; echo here; }; ! f; echo after",
    "f() { false; echo here; }; f && echo and; echo after",
    "f() { return 4; }; f; echo after",
    "f() { return 4; }; f || echo $?; echo after",
    "f() { false; echo f; }; g() { f; echo g; }; h() { g; echo h; }; h; echo after",
    "f() { false; echo f; }; g() { f || true; echo g; }; h() { g; false; echo h; }; h; echo after",
    "f() { for i in 1 2; do false; echo no; done; echo no2; }; f; echo after",
    "f() { (exit 9); echo no; }; f; echo after",
    "f() { local x=$(false); echo local $?; }; f; echo after",
    "f() { local x; x=$(exit 6); echo no; }; f; echo after",
    "f() { if [ $1 -gt 0 ]; then f $(($1 - 1)); echo no; fi; return 5; }; f 3; echo after",
    "f() { echo $1; return 0; }; f a; f b; echo after",
    "f() { exit 12; }; f; echo after",
    "f() { false; }; x=1 f; echo after",
    "f() (echo sub; false; echo no); f; echo after",
    "f() (echo sub; false; echo here) ; f || echo or; echo after",
    // Subshells and substitutions.
    "(false; echo no); echo after",
    "(false; echo here) || echo or; echo after",
    "(echo a; (echo b; false; echo c); echo d); echo after",
    "x=$(false; echo sub); echo x=$x",
    "x=$(false); echo after",
    "x=$(exit 5); echo after",
    "x=$(exit 5) || echo $?; echo after",
    "local_free=$(false) true; echo after",
    "export X=$(false); echo export $?",
    "readonly R=$(false); echo readonly $?",
    "declare D=$(false); echo declare $?",
    "echo $(false; echo in) $(exit 3); echo after",
    "f() { false; echo in-f; }; x=$(f); echo x=$x",
    "f() { false; echo in-f; }; x=$(f; echo more); echo x=$x",
    "shopt -s inherit_errexit; x=$(false; echo sub); echo x=$x",
    "shopt -s inherit_errexit; f() { false; echo no; }; x=$(f; echo more); echo after",
    "x=`false; echo b`; echo $x",
    "cat <(false; echo p); echo after",
    "cat <<< $(false; echo here); echo after",
    // Pipelines.
    "false | true; echo after",
    "true | false; echo after",
    "set -o pipefail; false | true; echo after",
    "set -o pipefail; (exit 3) | cat || echo $?; echo after",
    "{ echo a; false; echo b; } | cat; echo after",
    "echo x | { read v; echo got $v; false; echo no; }; echo after",
    "f() { false; echo no; }; f | cat; echo after",
    "f() { echo y; }; f | f | grep -c y; echo after",
    "! false | true; echo after",
    "false | ! true; echo after",
    "shopt -s lastpipe; echo v | read w; echo w=$w; true | false; echo after",
    "time false; echo after",
    // eval, source, builtins.
    "eval 'echo a; false; echo b'; echo after",
    "eval 'echo a\nfalse\necho b'; echo after",
    "eval 'false\necho here' || echo or; echo after",
    "eval 'eval \"false; echo no\"; echo no'; echo after",
    "source <(echo 'echo s; false; echo no'); echo after",
    "source <(echo 'echo s; false; echo here') || echo or; echo after",
    "source <(echo 'f() { false; echo no; }; f; echo no'); echo after",
    "source <(echo 'return 3; echo no'); echo after",
    "source <(echo 'return 0; echo no'); echo after",
    "command false; echo after",
    "builtin false; echo after",
    "cd /nonexistent; echo after",
    "nonexistent-command; echo after",
    "/nonexistent/path; echo after",
    "shift 5; echo after",
    "unset -f nothing; echo after",
    "read x; echo after",
    "wait; echo after",
    "false & wait $!; echo after",
    "false & wait; echo after",
    "(sleep 0.01; exit 3) & wait $! || echo got $?; echo after",
    "trap 'echo handler' USR1; kill -USR1 $$; echo after",
    "x=1; ((x++)); echo $x; ((x=0)); echo after",
    "echo $((1/0)); echo after",
    "echo $((1/0))\necho next line",
    "f() { echo $((1/0)); echo no; }; f; echo after",
    ">/nonexistent/file; echo after",
    "echo x >/nonexistent/file; echo after",
    "cat </nonexistent; echo after",
    "{ echo a; } >/nonexistent/file; echo after",
    "for i in 1; do echo x; done >/nonexistent/file; echo after",
    // Switching it off and on again.
    "set +e; false; echo here; set -e; false; echo no",
    "set +e; f() { false; echo here; }; f; (false; echo sub); false",
    "set +e; false",
    "f() { set +e; false; echo here; }; f; false; echo also",
    // Messages and line numbers.
    "echo one\n\nnonexistent-command\necho no",
    "echo \"a\nb\nc\"\nnonexistent-command",
    "return 4; echo after",
    "local x=1; echo after",
    "echo $LINENO\necho $LINENO\n\necho $LINENO",
    "cat <<EOF\na $((1+1))\nEOF\nfalse\necho no",
    "cat <<'EOF' | grep -c '$'\n$x\n$y\nEOF\necho after",
    "a=(1 2 3); echo ${#a[@]} ${a[1]}; declare -A m=([k]=v); echo ${m[k]}",
    "printf 'no newline'",
    "printf '%s\\n' \"it's\" 'a \"b\"' '\\'",
    "set -- a b; echo $# $2",
    "echo é ü | wc -c",
    "trap 'echo err' ERR; false; echo no",
    "set -u; echo $undefined; echo no",
    "echo ${undefined:?is missing}; echo no",
    "shopt -s extglob\ncase ab in @(ab|c)) echo matched;; esac",
    "shopt -s expand_aliases\nalias hi='echo hello'\nhi",
];

fn oracle(script: &str, home: &std::path::Path) -> (i32, String) {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = Command::new("bash");
    command.args(["--noprofile", "--norc", "-e", "-c", script]).stdin(Stdio::null()).current_dir(home);
    command.stdout(writer.try_clone().expect("a clone")).stderr(writer);
    command
        .env_clear()
        .env("PATH", std::env::var("PATH").expect("PATH"))
        .env("LANG", "C.UTF-8")
        .env("HOME", home);
    let mut child = command.spawn().expect("bash");
    drop(command);
    let mut output = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut output).expect("output");
    let status = child.wait().expect("status").code().expect("a status");
    (status, String::from_utf8_lossy(&output).into_owned())
}

/// Where the two may differ in words: what messages call the place of a function and of the text, what `time` measured.
fn normal(output: &str) -> String {
    let output = output
        .replace("environment: line", "main: line")
        .replace("bash: -c:", "bash: eval:")
        .replace("/dev/fd/", "/fd/");
    let times = regex::Regex::new(r"\d+m\d+\.\d+s").expect("a pattern");
    let descriptors = regex::Regex::new(r"/fd/\d+").expect("a pattern");
    descriptors.replace_all(&times.replace_all(&output, "TIME"), "/fd/N").into_owned()
}

#[tokio::test]
async fn blocks_end_as_under_bash_e() {
    let home = tempfile::tempdir().expect("a directory");
    let mut wrong = Vec::new();
    let machine = Arc::new(LocalMachine::new(home.path()));
    // One shell for all scripts: what one leaves behind (a broken trap, an option) would show in the next.
    let mut shared = Shell::new(machine.clone(), Setup::default());
    for script in SCRIPTS {
        let mut fresh = Shell::new(machine.clone(), Setup::default());
        let expected = oracle(script, home.path());
        for (kind, shell) in [("fresh", &mut fresh), ("shared", &mut shared)] {
            let outcome = shell.run(&Block::new(*script), &mut |_| {}).await.expect("runs");
            let actual = (outcome.status.unwrap_or(-1), outcome.output.to_text());
            if (actual.0, normal(&actual.1)) != (expected.0, normal(&expected.1)) {
                wrong.push(format!(
                    "{kind}: {script}\n  bash -e: {expected:?}\n  block:   {actual:?} {:?}",
                    outcome.ended
                ));
            }
            if kind == "shared" {
                let undo = "set +eux; set +o pipefail; shopt -u lastpipe extglob inherit_errexit expand_aliases; trap - USR1; \
                            unset x R D X a m n i j v w local_free; unset -f f g h; set --; cd ~ || true";
                shell.run(&Block::new(undo), &mut |_| {}).await.expect("runs");
            }
        }
        fresh.close().await;
    }
    shared.close().await;
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Failing must not cost the shell: what a shell alone holds (a background job) is still there afterwards.
#[tokio::test]
async fn a_failing_block_keeps_its_shell() {
    let home = tempfile::tempdir().expect("a directory");
    let mut shell = Shell::new(Arc::new(LocalMachine::new(home.path())), Setup::default());
    shell.run(&Block::new("sleep 60 & job=$!"), &mut |_| {}).await.expect("runs");
    for script in [
        "false",
        "f() { false; }; f",
        "x=$(false)",
        "(exit 3)",
        "set -o pipefail; false | true",
        "eval false",
    ] {
        let outcome = shell.run(&Block::new(script), &mut |_| {}).await.expect("runs");
        assert_eq!(outcome.ended, Ended::Normally, "{script}");
        assert_ne!(outcome.status, Some(0), "{script}");
    }
    let jobs = shell
        .run(&Block::new("kill %1 && wait $job || echo $?; echo ${-//[^e]/}"), &mut |_| {})
        .await
        .expect("runs");
    assert_eq!(jobs.output.to_text(), "143\ne\n");
    shell.close().await;
}
