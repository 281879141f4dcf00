//! Consoles and files, on this machine and on a host behind SSH: the parts of `session` beside the persistent shell.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lab::session::{Block, Console, LocalMachine, Machine, Setup, Shell, Stalled};
use tokio::time::timeout;

use crate::session_ssh::one_host;

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(20);
const QUIET: Duration = Duration::from_millis(250);

async fn shell(machine: Arc<dyn Machine>) -> Shell {
    let mut shell = Shell::new(machine, Setup::default());
    let block =
        Block::new("NAME='it is'\ngreet() { echo \"hello, $NAME\"; }\ncd /usr/share\nshopt -s extglob\n");
    shell.run(&block, &mut |_| {}).await.expect("runs");
    shell
}

/// A conversation on a machine: state, prompts, a secret, quiet, keys, and the way back.
async fn converse(machine: Arc<dyn Machine>) {
    let shell = shell(machine).await;
    let with = [("GIVEN".to_owned(), "it's given".to_owned())];
    let mut console = Console::open(&shell, &with).await.expect("opens");
    let mut printed = Vec::new();
    let mut hear = |bytes: &[u8]| printed.extend_from_slice(bytes);
    timeout(LIMIT, async {
        console.until_prompt("$", &mut hear).await?;
        console.type_line("greet; echo \"$GIVEN\"; pwd").await?;
        console.until_prompt("$ ", &mut hear).await?;
        console
            .type_line("read -r -s -p 'Password: ' P; echo; read -r -p 'Really? [y/N] ' R; echo $R ${#P}")
            .await?;
        console.until_prompt("Password:", &mut hear).await?;
        console.type_line("secret").await?;
        console.until_prompt("Really? [y/N]", &mut hear).await?;
        console.type_line("y").await?;
        console.until_prompt("$", &mut hear).await?;
        console.type_line("cat").await?;
        console.until_quiet(QUIET, &mut hear).await?;
        console.type_line("one").await?;
        console.until_quiet(QUIET, &mut hear).await?;
        console.type_line("").await?;
        console.until_quiet(QUIET, &mut hear).await?;
        console.type_key(4).await?;
        console.until_prompt("$", &mut hear).await?;
        console.type_line("sleep 1000").await?;
        console.until_quiet(QUIET, &mut hear).await?;
        console.type_key(3).await?;
        console.until_back(&mut hear).await
    })
    .await
    .expect("in time")
    .expect("goes on");
    let transcript = console.transcript();
    console.close().await;
    assert_eq!(
        transcript,
        "$ greet; echo \"$GIVEN\"; pwd\nhello, it is\nit's given\n/usr/share\n\
         $ read -r -s -p 'Password: ' P; echo; read -r -p 'Really? [y/N] ' R; echo $R ${#P}\n\
         Password:\nReally? [y/N] y\ny 6\n$ cat\none\none\n\n\n$ sleep 1000\n^C\n"
    );
    assert!(!String::from_utf8_lossy(&printed).contains("secret"));
}

#[tokio::test]
async fn a_conversation_on_this_machine() {
    let home = tempfile::tempdir().expect("a directory");
    converse(Arc::new(LocalMachine::new(home.path()))).await;
}

/// A script that leaves `lab` running in the background has it ignore Ctrl-C; what is typed in a console is heard all the same.
#[tokio::test]
async fn a_key_is_heard_also_where_whoever_started_us_ignores_its_signal() {
    use std::os::unix::process::CommandExt as _;
    const ASKED: &str = "kinds::a_conversation_on_this_machine";
    let mut again = std::process::Command::new(std::env::current_exe().expect("this program"));
    again.args(["--exact", ASKED]);
    // SAFETY: one system call.
    unsafe {
        again.pre_exec(|| {
            nix::libc::signal(nix::libc::SIGINT, nix::libc::SIG_IGN);
            Ok(())
        });
    }
    let ran = again.output().expect("runs");
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && told.contains("1 passed"), "{told}");
}

#[tokio::test]
async fn a_conversation_over_ssh() {
    let (host, _world) = one_host();
    converse(Arc::new(host)).await;
}

#[tokio::test]
async fn a_conversation_that_stalls_waits_and_shows_its_screen() {
    let home = tempfile::tempdir().expect("a directory");
    let shell = shell(Arc::new(LocalMachine::new(home.path()))).await;
    let mut console = Console::open(&shell, &[]).await.expect("opens");
    let mut hear = |_: &[u8]| {};
    timeout(LIMIT, console.until_prompt("$", &mut hear)).await.expect("in time").expect("a prompt");
    console.type_line("echo waits for nobody; sleep 1000").await.expect("types");
    let never = timeout(Duration::from_secs(2), console.until_prompt("mysql>", &mut hear)).await;
    assert!(never.is_err(), "there is no such prompt");
    assert_eq!(console.shown(), "$ echo waits for nobody; sleep 1000\nwaits for nobody");
    console.type_key(3).await.expect("types");
    timeout(LIMIT, console.until_back(&mut hear)).await.expect("in time").expect("back");
    console.type_line("exit").await.expect("types");
    let ended = timeout(LIMIT, console.until_back(&mut hear)).await.expect("in time");
    assert!(matches!(ended, Err(Stalled::Ended)), "{ended:?}");
}

#[tokio::test]
async fn a_program_that_begins_slowly_is_waited_for() {
    let home = tempfile::tempdir().expect("a directory");
    let shell = shell(Arc::new(LocalMachine::new(home.path()))).await;
    let mut console = Console::open(&shell, &[]).await.expect("opens");
    let mut hear = |_: &[u8]| {};
    timeout(LIMIT, async {
        console.until_prompt("$", &mut hear).await?;
        console.type_line("sleep 1; echo ready; cat").await?;
        console.until_answered(LIMIT, &mut hear).await?;
        console.until_quiet(QUIET, &mut hear).await?;
        console.type_line("typed").await?;
        console.until_quiet(QUIET, &mut hear).await?;
        console.type_key(4).await?;
        console.until_back(&mut hear).await
    })
    .await
    .expect("in time")
    .expect("goes on");
    let transcript = console.transcript();
    console.close().await;
    assert!(transcript.contains("ready\ntyped\ntyped\n"), "{transcript}");
}

#[tokio::test]
async fn hanging_up_ends_what_runs_on_the_terminal() {
    let home = tempfile::tempdir().expect("a directory");
    let shell = shell(Arc::new(LocalMachine::new(home.path()))).await;
    let mut console = Console::open(&shell, &[]).await.expect("opens");
    let mut hear = |_: &[u8]| {};
    timeout(LIMIT, console.until_prompt("$", &mut hear)).await.expect("in time").expect("a prompt");
    console.type_line("echo pid $$; exec sleep 1000").await.expect("types");
    timeout(LIMIT, console.until_quiet(QUIET, &mut hear)).await.expect("in time").expect("quiet");
    let transcript = console.transcript();
    let pid = transcript.lines().find_map(|line| line.strip_prefix("pid ")).expect("a pid").to_owned();
    assert!(fs::metadata(format!("/proc/{pid}")).is_ok());
    console.close().await;
    let begun = Instant::now();
    while fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.starts_with("sleep")) {
        assert!(begun.elapsed() < LIMIT, "it still runs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn files_go_over_sftp_verbatim() {
    let (host, _world) = one_host();
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a file");
    let path = path.to_str().expect("UTF-8");
    // Larger than one packet, with bytes of all kinds.
    let contents: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    host.write_file(path, &contents).await.expect("writes");
    assert_eq!(fs::read(path).expect("a file"), contents);
    host.write_file(path, b"short\n").await.expect("writes");
    assert_eq!(fs::read(path).expect("a file"), b"short\n", "what was there is gone");
    host.write_file(path, b"").await.expect("writes");
    assert_eq!(fs::read(path).expect("a file"), b"");
    let missing = dir.path().join("no/such");
    let refused = host.write_file(missing.to_str().expect("UTF-8"), b"x").await.expect_err("no directory");
    assert_eq!(refused.kind(), std::io::ErrorKind::NotFound);
    host.close().await;
    host.write_file(path, b"again").await.expect("over a new connection");
    assert_eq!(fs::read(path).expect("a file"), b"again");
}
