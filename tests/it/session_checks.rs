//! What holds for a shell wherever its bash runs. Called for this machine and for a host behind SSH.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lab::session::{Block, Ended, Machine, Outcome, Setup, Shell, State};

/// A shell and what it printed as it came.
pub struct Subject {
    pub shell: Shell,
    pub machine: Arc<dyn Machine>,
    /// A directory on the machine that the test may use.
    pub scratch: PathBuf,
}

impl Subject {
    pub fn new(machine: Arc<dyn Machine>, scratch: PathBuf) -> Self {
        // The home of a login over SSH is a real one; tests keep out of it.
        let env = vec![("HOME".to_owned(), scratch.display().to_string())];
        Self { shell: Shell::new(Arc::clone(&machine), Setup { env, state: None }), machine, scratch }
    }

    async fn run(&mut self, script: &str) -> Outcome {
        self.run_block(Block::new(script)).await
    }

    async fn run_block(&mut self, block: Block) -> Outcome {
        let mut streamed = 0;
        let outcome =
            self.shell.run(&block, &mut |bytes| streamed += bytes.len() as u64).await.expect("runs");
        assert_eq!(streamed, outcome.output.total(), "all output is told as it comes");
        outcome
    }

    /// Runs a block that must end normally with status 0 and gives its output.
    async fn output(&mut self, script: &str) -> String {
        let outcome = self.run(script).await;
        let text = outcome.output.to_text();
        assert_eq!((outcome.status, &outcome.ended), (Some(0), &Ended::Normally), "{script}\n{text}");
        text
    }
}

/// A bash function: whether a process runs (one that has ended may wait for its parent to notice).
const ALIVE: &str = "alive() { [[ $(cat /proc/$1/stat 2>/dev/null) == *') '[^ZX]' '* ]]; }\n";

fn variables(outcome: &Outcome) -> Vec<(&str, &str)> {
    outcome.variables.iter().map(|v| (v.name.as_str(), v.value.as_str())).collect()
}

pub async fn state_survives_from_block_to_block(mut s: Subject) {
    let dir = s.scratch.display().to_string();
    s.output(&format!("cd {dir}; A=1; export B='two words'; f() {{ echo f$1; }}; umask 027; shopt -s nullglob; set -f; sleep 9 &"))
        .await;
    let seen = s
        .output("pwd; echo $A \"$B\"; f 3; umask; shopt nullglob; echo *; kill %1; bash -c 'echo $B$A'")
        .await;
    assert_eq!(seen, format!("{dir}\n1 two words\nf3\n0027\nnullglob       \ton\n*\ntwo words\n"));
}

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

pub async fn assigned_variables_are_told(mut s: Subject) {
    let outcome = s
        .run("B=2; A=$(echo one); export C='x y'; D=(a 'b c'); declare -A E=([k]=v); cd /; f() { G=7; }; f; read -r H <<<eight; unset Z; readonly I=9; IGNORED=x true")
        .await;
    assert_eq!(
        variables(&outcome),
        [
            // Plain assignments in the order of the text, then the others by name.
            ("B", "2"),
            ("A", "one"),
            ("C", "x y"),
            ("D", "([0]=\"a\" [1]=\"b c\")"),
            ("E", "([k]=\"v\" )"),
            ("G", "7"),
            ("I", "9"),
            ("H", "eight"),
        ]
    );
    assert_eq!(variables(&s.run("true").await), []);
    assert_eq!(variables(&s.run("A=one").await), [("A", "one")], "also when the value is the same");
    assert_eq!(
        variables(&s.run("MULTI=$'a\\nb'; ACCENT=é; false; NEVER=1").await),
        [("MULTI", "a\nb"), ("ACCENT", "é")]
    );
    assert_eq!(s.shell.state().variable("ACCENT").as_deref(), Some("é"));
}

pub async fn variables_given_with_a_block_are_set_before_it(mut s: Subject) {
    let mut block = Block::new("echo \"$A|$B\"; B=new; bash -c 'echo [$A]'");
    block.with = vec![("A".into(), "it's $HOME \"x\"\n2".into()), ("B".into(), String::new())];
    let outcome = s.run_block(block).await;
    assert_eq!(outcome.output.to_text(), "it's $HOME \"x\"\n2|\n[]\n");
    assert_eq!(variables(&outcome), [("B", "new")]);
    assert_eq!(s.output("echo $B").await, "new\n");
}

pub async fn exit_ends_the_block_and_its_state_is_kept(mut s: Subject) {
    s.output("A=1; f() { echo function; }; sleep 100 & job=$!").await;
    let outcome = s.run("cd /; B=2; echo before; exit 3; echo never").await;
    assert_eq!((outcome.status, &outcome.ended), (Some(3), &Ended::Exited));
    assert_eq!(outcome.output.to_text(), "before\n");
    assert_eq!(variables(&outcome), [("B", "2")]);
    assert_eq!(
        s.output(&format!("{ALIVE}pwd; echo $A$B; f; alive $job || echo job gone")).await,
        "/\n12\nfunction\njob gone\n"
    );
    for (script, status) in
        [("exit", 0), ("false || exit", 1), ("f() { exit 300; }; f", 44), ("(exit 4); exit 5", 4)]
    {
        let outcome = s.run(script).await;
        let ended = if script.starts_with('(') { Ended::Normally } else { Ended::Exited };
        assert_eq!((outcome.status, outcome.ended), (Some(status), ended), "{script}");
    }
}

pub async fn exec_ends_the_block_with_the_status_of_what_replaced_the_shell(mut s: Subject) {
    s.output("A=kept").await;
    let outcome = s.run("B=lost; echo one; exec sh -c 'echo two; exit 6'").await;
    assert_eq!((outcome.status, &outcome.ended), (Some(6), &Ended::ReplacedByExec));
    assert_eq!(outcome.output.to_text(), "one\ntwo\n");
    assert_eq!(s.output("echo $A$B").await, "kept\n");
    let outcome = s.run("exec sleep 0; echo never").await;
    assert_eq!((outcome.status, &outcome.ended), (Some(0), &Ended::ReplacedByExec));
}

pub async fn a_killed_shell_is_replaced(mut s: Subject) {
    s.output("A=kept; (sleep 100 & echo $! >$HOME/orphan) ; sleep 100 &").await;
    let outcome = s.run("echo last; kill -9 $$; sleep 1; echo never").await;
    assert_eq!((outcome.status, &outcome.ended), (None, &Ended::Killed(9)));
    assert_eq!(outcome.output.to_text(), "last\n");
    assert_eq!(
        s.output(&format!("{ALIVE}echo $A; alive $(cat ~/orphan) || echo orphan gone")).await,
        "kept\norphan gone\n"
    );
    let outcome = s.run("kill -TERM $$; sleep 1; echo never").await;
    assert!(matches!(outcome.ended, Ended::Killed(15) | Ended::Exited), "{:?}", outcome.ended);
    assert_eq!(s.output("echo $A").await, "kept\n");
}

pub async fn a_deadline_ends_the_block_and_all_it_started(mut s: Subject) {
    s.output("A=kept").await;
    let file = s.scratch.join("pids").display().to_string();
    let cases = [
        format!("sleep 300 & echo $! >{file}; echo waiting; wait"),
        format!("echo waiting; sh -c 'echo $$ >{file}; exec sleep 300'; echo never"),
        format!("set -m; (echo $BASHPID >{file}; exec sleep 300) & echo waiting; wait"),
        format!(
            "echo waiting; (trap '' TERM INT HUP; echo $BASHPID >{file}; while :; do sleep 1; done); echo never"
        ),
        format!("echo waiting; setsid sh -c 'echo $$ >{file}; exec sleep 300'; echo never"),
        format!("echo waiting; trap '' TERM; echo $$ >{file}; while :; do :; done"),
    ];
    for script in cases {
        let mut block = Block::new(script.clone());
        block.timeout = Duration::from_millis(400);
        let outcome = s.run_block(block).await;
        assert_eq!((outcome.status, &outcome.ended), (None, &Ended::Deadline), "{script}");
        assert_eq!(outcome.output.to_text(), "waiting\n");
        let seen = s
            .output(&format!(
                "{ALIVE}p=$(cat {file}); [ -n \"$p\" ]; if alive $p; then echo alive; fi; echo $A"
            ))
            .await;
        assert_eq!(seen, "kept\n", "{script}");
    }
}

pub async fn a_block_that_never_stops_printing_is_ended(mut s: Subject) {
    let mut block = Block::new("yes");
    block.timeout = Duration::from_millis(300);
    let outcome = s.run_block(block).await;
    assert_eq!((outcome.status, &outcome.ended), (None, &Ended::Deadline));
    assert!(outcome.output.head().starts_with(b"y\ny\n"));
    s.output("yes & sleep 0.1").await;
    let outcome = s.run("kill %1; wait %1; (exit 3)").await;
    assert_eq!((outcome.status, &outcome.ended), (Some(143), &Ended::Normally));
    assert_eq!(s.run("true").await.ended, Ended::Normally);
}

pub async fn an_interrupt_ends_the_block(mut s: Subject) {
    let block = Block::new("echo begun; sleep 300");
    let switch = block.interrupt.clone();
    let mut seen = Vec::new();
    let started = Instant::now();
    let outcome = s
        .shell
        .run(&block, &mut |bytes| {
            seen.extend_from_slice(bytes);
            switch.trigger();
        })
        .await
        .expect("runs");
    assert_eq!((outcome.status, &outcome.ended), (None, &Ended::Interrupted));
    assert_eq!(seen, b"begun\n");
    assert!(started.elapsed() < Duration::from_secs(100));
    assert_eq!(s.output("echo next").await, "next\n");
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

pub async fn a_saved_state_starts_a_later_shell(mut s: Subject) {
    let dir = s.scratch.display().to_string();
    s.output(&format!(
        "cd {dir}; A=$'new\\nline'; B=(1 2); declare -A C=([x]=y); export D=d; declare -i E=4; readonly F=f; shopt -s extglob\n\
         g() {{ case $1 in @(a|b)) echo g$1;; esac; }}; shopt -s expand_aliases; alias hi='echo hello'; umask 077; PATH=$PATH:/opt/x"
    ))
    .await;
    let text = s.shell.state().as_str().to_owned();
    s.shell.close().await;
    let setup =
        Setup { env: vec![("SOCKET".into(), "/new one".into())], state: Some(State::from_text(text)) };
    s.shell = Shell::new(Arc::clone(&s.machine), setup);
    let seen = s.output("pwd; declare -p A B C D E F; g a; hi; umask; echo ${PATH##*:}; echo \"$SOCKET\"; bash -c 'echo $D$SOCKET'").await;
    assert_eq!(
        seen,
        format!(
            "{dir}\ndeclare -- A=$'new\\nline'\ndeclare -a B=([0]=\"1\" [1]=\"2\")\ndeclare -A C=([x]=\"y\" )\n\
             declare -x D=\"d\"\ndeclare -i E=\"4\"\ndeclare -r F=\"f\"\nga\nhello\n0077\n/opt/x\n/new one\nd/new one\n"
        )
    );
    let outcome = s.run("true").await;
    assert_eq!(variables(&outcome), []);
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

pub async fn closing_leaves_nothing_behind(mut s: Subject) {
    let file = s.scratch.join("left").display().to_string();
    s.output(&format!("sleep 300 & setsid sleep 300 & (sh -c 'trap \"\" HUP; exec sleep 300' & echo $! >{file}); echo $! $$ >>{file}; trap 'echo bye >~/bye' EXIT")).await;
    let own = s.output("declare -f __lab_save | grep -o '/[^ ]*/lab[.][^/]*/' | head -1 | tr -d \"'\"").await;
    assert!(own.contains("/lab."), "{own}");
    let mut other = Subject::new(Arc::clone(&s.machine), s.scratch.clone());
    assert_eq!(other.output(&format!("ls -d {own}")).await, own);
    s.shell.close().await;
    assert!(!s.shell.is_open());
    assert_eq!(other.run(&format!("ls -d {own}")).await.status, Some(2));
    assert_eq!(
        other
            .output(&format!(
                "{ALIVE}for p in $(cat {file}); do if alive $p; then echo $p is alive; fi; done; cat ~/bye"
            ))
            .await,
        "bye\n"
    );
    assert_eq!(s.output("echo again").await, "again\n");
    s.shell.close().await;
    other.shell.close().await;
}

pub async fn a_dropped_run_does_not_leave_its_block_running(mut s: Subject) {
    let file = s.scratch.join("dropped").display().to_string();
    let block = Block::new(format!("sleep 300 & echo $! >{file}; echo go; wait"));
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    {
        let mut tell = |_: &[u8]| {
            let _ = told.send(());
        };
        let run = s.shell.run(&block, &mut tell);
        tokio::select! {
            _ = run => panic!("the block cannot end"),
            _ = heard.recv() => {}
        }
    }
    assert_eq!(
        s.output(&format!("{ALIVE}if alive $(cat {file}); then echo alive; fi; echo next")).await,
        "next\n"
    );
}

/// The names of all checks, so that no place leaves one out.
#[macro_export]
macro_rules! session_checks {
    ($subject:path) => {
        $crate::session_checks!(@ $subject:
            state_survives_from_block_to_block
            standard_error_and_output_are_one_stream_in_order
            standard_input_is_empty
            assigned_variables_are_told
            variables_given_with_a_block_are_set_before_it
            exit_ends_the_block_and_its_state_is_kept
            exec_ends_the_block_with_the_status_of_what_replaced_the_shell
            a_killed_shell_is_replaced
            a_deadline_ends_the_block_and_all_it_started
            a_block_that_never_stops_printing_is_ended
            an_interrupt_ends_the_block
            a_child_that_holds_the_output_open_delays_nothing
            much_output_is_counted_and_its_ends_are_kept
            any_bytes_come_through
            closed_descriptors_end_in_a_clear_result
            a_changed_shell_still_tells_how_its_blocks_end
            a_traps_of_the_block_do_not_hide_its_end
            a_syntax_error_is_told_with_its_line
            nothing_printed_can_forge_the_end
            a_saved_state_starts_a_later_shell
            large_and_odd_texts_are_evaluated_as_written
            closing_leaves_nothing_behind
            a_dropped_run_does_not_leave_its_block_running
        );
    };
    (@ $subject:path: $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let (subject, _guard) = $subject().await;
                $crate::session_checks::$name(subject).await;
            }
        )*
    };
}
