//! The ways in which a block ends, and what is left of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lab::session::{Block, Ended};

use super::{ALIVE, Subject, variables};

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
        block.timeout = Duration::from_secs(1);
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

pub async fn a_shell_that_left_between_two_blocks_is_replaced_and_the_next_block_runs(mut s: Subject) {
    // The EXIT trap of the first waits for what comes; the second leaves without a word, the third is killed.
    for (number, leaving) in ["exit 0", "trap - EXIT; exit 0", "kill -9 $$"].into_iter().enumerate() {
        s.output(&format!("N={number}; trap '{leaving}' USR1; {{ sleep 0.2; kill -USR1 $$; }} &")).await;
        // Soon enough that the shell is not asked first whether it is there.
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(s.output("echo ran $N").await, format!("ran {number}\n"), "{leaving}");
    }
}

pub async fn a_block_that_leaves_without_a_word_has_its_status(mut s: Subject) {
    for status in [0, 4] {
        let outcome = s.run(&format!("echo here; trap - EXIT; exit {status}")).await;
        assert_eq!((outcome.status, &outcome.ended), (Some(status), &Ended::Exited));
        assert_eq!(outcome.output.to_text(), "here\n");
    }
    // Where nothing can tell whether the block had begun, nothing is taken for success.
    let own = r"dir=$(declare -f __lab_end | grep -o '/[a-z/]*/lab[.][A-Za-z0-9]*' | head -n 1)";
    let outcome = s.run(&format!("{own}; ls $dir/status; rm -rf -- $dir; trap - EXIT; exit 0")).await;
    assert!(outcome.output.to_text().ends_with("/status\n"), "{outcome:?}");
    assert!(matches!(outcome.ended, Ended::Cut(_)), "{outcome:?}");
    assert_eq!(outcome.status, None);
    assert_eq!(s.output("echo next").await, "next\n");
}
