//! Programs on a terminal.

use std::sync::Arc;

use lab::session::{
    Block, Exit, LocalMachine, Machine as _, Program, Setup, Shell, WindowSize, interactive_bash,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Types lines and gives what the terminal showed.
async fn converse(machine: &LocalMachine, program: Program, lines: &[&str]) -> (String, Exit) {
    let terminal = Some(WindowSize { columns: 100, rows: 30 });
    let mut child = machine.spawn(Program { terminal, ..program }).await.expect("starts");
    let control = Arc::clone(&child.control);
    for line in lines {
        child.stdin.write_all(format!("{line}\n").as_bytes()).await.expect("types");
    }
    let mut shown = Vec::new();
    let mut piece = [0; 1024];
    loop {
        let count = child.stdout.read(&mut piece).await.expect("reads");
        if count == 0 {
            break;
        }
        shown.extend_from_slice(&piece[..count]);
        if shown.ends_with(b"resize me\r\n") {
            control.resize(WindowSize { columns: 77, rows: 20 });
        }
    }
    (String::from_utf8_lossy(&shown).into_owned(), child.exit.await.expect("ends"))
}

#[tokio::test]
async fn a_program_sees_a_terminal_of_the_size_given_and_its_changes() {
    let home = tempfile::tempdir().expect("a directory");
    let script = "tty -s && echo on a terminal; stty size; trap 'stty size; exit 5' WINCH; echo resize me; while :; do sleep 0.05; done";
    let argv = ["bash", "--noprofile", "--norc", "-c", script].map(str::to_owned).to_vec();
    let (shown, exit) =
        converse(&LocalMachine::new(home.path()), Program { argv, ..Program::default() }, &[]).await;
    assert_eq!(shown, "on a terminal\r\n30 100\r\nresize me\r\n20 77\r\n");
    assert_eq!(exit, Exit::Status(5));
}

#[tokio::test]
async fn an_interactive_bash_begins_with_the_state_of_the_lessons() {
    let home = tempfile::tempdir().expect("a directory");
    let machine = LocalMachine::new(home.path());
    let mut shell = Shell::new(Arc::new(machine.clone()), Setup::default());
    let block = Block::new("VPC='vpc 1'; export Z=z; f() { echo f-$1; }; mkdir sub; cd sub");
    shell.run(&block, &mut |_| {}).await.expect("runs");
    let program = interactive_bash(&[("SOCKET".to_owned(), "/run/s".to_owned())], shell.state());
    shell.close().await;
    let lines = [
        "echo \"<$VPC> $(f 2) $PWD $SOCKET $-\"; bash -c 'echo [$Z]'; type __lab_n 2>&1 | tail -c 11",
        "exit 3",
    ];
    let (shown, exit) = converse(&machine, program, &lines).await;
    let expected = format!("<vpc 1> f-2 {}/sub /run/s ", home.path().display());
    assert!(shown.contains(&expected), "{shown}");
    assert!(shown.contains("[z]\r\n") && shown.contains("not found\r\n"), "{shown}");
    let flags = shown.split(&expected).nth(1).and_then(|rest| rest.lines().next()).expect("flags");
    assert!(flags.contains('i') && !flags.contains('e'), "{flags}");
    assert_eq!(exit, Exit::Status(3));
}
