//! Hosts where something is printed before a program begins: by what a login shell reads, or by a forced command.

use lab::session::Console;

use super::*;

/// Everything that is done on a host is done there as on a silent one.
async fn is_as_silent(more: &str, dir: &tempfile::TempDir) {
    let server = server_with(dir.path(), "server", more);
    let host = Arc::new(host(dir.path(), &server));
    // Before anything is known of the host.
    let path = dir.path().join("file");
    host.write_file(path.to_str().expect("UTF-8"), &[0, 255, b'\n', 7]).await.expect("writes");
    assert_eq!(fs::read(&path).expect("a file"), [0, 255, b'\n', 7]);
    let mut shell = Shell::new(Arc::clone(&host) as _, Setup::default());
    assert_eq!(text(&mut shell, "A=1; echo in; echo err >&2").await, "in\nerr\n");
    let outcome = shell.run(&Block::new("echo $A; exit 3"), &mut |_| {}).await.expect("runs");
    assert_eq!((outcome.status, outcome.output.to_text().as_str()), (Some(3), "1\n"));
    // Whether a shell had begun its block is asked by a program that is started for it.
    let outcome = shell.run(&Block::new("echo $A; trap - EXIT; exit 4"), &mut |_| {}).await.expect("runs");
    assert_eq!((outcome.status, outcome.output.to_text().as_str()), (Some(4), "1\n"));
    host.write_file(path.to_str().expect("UTF-8"), b"again").await.expect("writes");
    assert_eq!(fs::read(&path).expect("a file"), b"again");
    let missing = dir.path().join("no/such");
    let refused = host.write_file(missing.to_str().expect("UTF-8"), b"x").await.expect_err("no directory");
    assert_eq!(refused.kind(), io::ErrorKind::NotFound);
    let mut console = Console::open(&shell, &[]).await.expect("opens");
    let mut unheard = |_: &[u8]| {};
    console.until_prompt("$", &mut unheard).await.expect("a prompt");
    console.type_line("echo typed").await.expect("types");
    console.until_back(&mut unheard).await.expect("back");
    assert_eq!(console.transcript(), "$ echo typed\ntyped\n");
    console.close().await;
    shell.close().await;
    host.close().await;
}

/// A file that prints, as `~/.bashrc` does on some hosts.
fn noise(dir: &tempfile::TempDir) -> String {
    let path = dir.path().join("noise");
    fs::write(&path, "echo Welcome to the host of $USER; echo and mind the step >&2; printf 'no line end'\n")
        .expect("writes");
    path.display().to_string()
}

#[tokio::test]
async fn what_a_login_shell_prints_disturbs_nothing() {
    let dir = keys();
    let noise = noise(&dir);
    is_as_silent(&format!("SetEnv SHLVL=3 BASH_ENV={noise}\n"), &dir).await;
}

#[tokio::test]
async fn an_sftp_server_into_which_a_login_shell_prints_is_done_without() {
    let dir = keys();
    let noise = noise(&dir);
    let more = format!("SetEnv SHLVL=3 BASH_ENV={noise}\nSubsystem sftp /usr/lib/openssh/sftp-server\n");
    is_as_silent(&more, &dir).await;
}

#[tokio::test]
async fn what_a_forced_command_prints_disturbs_nothing() {
    let dir = keys();
    let forced = "ForceCommand printf 'All of this is written down.\\n'; eval \"$SSH_ORIGINAL_COMMAND\"\n";
    is_as_silent(forced, &dir).await;
}

#[tokio::test]
async fn a_login_shell_that_starts_nothing_is_named_with_what_it_says() {
    for leaving in ["echo Not today; exit 1", "echo Not today; exec true", "echo Not today >&2; kill -9 $$"] {
        let dir = keys();
        let path = dir.path().join("noise");
        fs::write(&path, leaving).expect("writes");
        let more = format!("SetEnv SHLVL=3 BASH_ENV={}\n", path.display());
        let server = server_with(dir.path(), "server", &more);
        let refusal = refusal(host(dir.path(), &server)).await;
        for words in ["Not today", "~/.bashrc", "ForceCommand"] {
            assert!(refusal.contains(words), "{leaving}: {refusal}");
        }
    }
}
