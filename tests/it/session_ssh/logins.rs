//! Keys of both sides: what is accepted, what is refused, and how that is told.

use super::*;

#[tokio::test]
async fn another_host_key_is_refused_and_the_pinned_one_stays() {
    let dir = keys();
    let server = server(dir.path(), "server");
    let instance = server.target(&dir.path().join("key")).instance;
    let wrong = fs::read_to_string(dir.path().join("other.pub")).expect("a key");
    let wrong: Vec<&str> = wrong.split_whitespace().take(2).collect();
    let pinned = format!("{instance} {}\n", wrong.join(" "));
    fs::write(dir.path().join("known"), &pinned).expect("writes");
    let refusal = refusal(host(dir.path(), &server).ready_within(Duration::ZERO)).await;
    assert!(refusal.contains("shows the host key ssh-ed25519 SHA256:"), "{refusal}");
    assert!(refusal.contains(&format!("which is not a key of {instance}")), "{refusal}");
    assert_eq!(fs::read_to_string(dir.path().join("known")).expect("reads"), pinned);
}

#[tokio::test]
async fn host_keys_come_from_the_console_and_are_never_blindly_accepted() {
    let dir = keys();
    let server = server(dir.path(), "server");
    let key = dir.path().join("key");
    let known = Arc::new(FileKnownHosts::new(dir.path().join("known")));
    let silent =
        Host::new(server.target(&key), Arc::new(DirectDial), None, known, Arc::new(Cloud::default()));
    let refusal = refusal(silent.ready_within(Duration::ZERO)).await;
    assert!(refusal.ends_with("its console output shows no host keys yet"), "{refusal}");
    assert!(!dir.path().join("known").exists());
    let mut shell = Shell::new(Arc::new(host(dir.path(), &server)), Setup::default());
    text(&mut shell, "true").await;
    let host_key = fs::read_to_string(server.dir.join("host.pub")).expect("a key");
    let pinned = fs::read_to_string(dir.path().join("known")).expect("pinned");
    assert_eq!(pinned, format!("i-{} {}\n", server.port, host_key.trim_end().trim_end_matches(" test")));
    shell.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_login_is_told_apart() {
    let dir = keys();
    let server = server(dir.path(), "server");
    let cloud = || Arc::new(Cloud::default().with("host", &server, &dir.path().join("key")));
    let known = || Arc::new(FileKnownHosts::new(dir.path().join("known")));
    let at = |target: Target| {
        Host::new(target, Arc::new(DirectDial), None, known(), cloud()).ready_within(Duration::ZERO)
    };
    let good = server.target(&dir.path().join("key"));

    let other = refusal(at(server.target(&dir.path().join("other")))).await;
    assert!(
        other.contains("with key (SHA256:") && other.ends_with("permission denied (publickey)"),
        "{other}"
    );

    let nobody = refusal(at(Target { user: "no-such-user".into(), ..good.clone() })).await;
    assert!(
        nobody.contains("as no-such-user") && nobody.ends_with("permission denied (publickey)"),
        "{nobody}"
    );

    let junk = KeyFile { path: "~/web.pem".into(), text: "-----BEGIN RSA PRIVATE KEY-----\njunk\n".into() };
    let junk = refusal(at(Target { key: junk, ..good.clone() })).await;
    assert!(junk.contains("read the private key ~/web.pem: "), "{junk}");

    let closed_port = free_port();
    let refused = refusal(at(Target { port: closed_port, ..good.clone() })).await;
    assert!(
        refused.ends_with(&format!("connect to 127.0.0.1:{closed_port}: connection refused")),
        "{refused}"
    );

    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let early = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let early = refusal(at(Target { port: early, ..good })).await;
    assert!(early.ends_with("the server ended the connection at once"), "{early}");
}

#[tokio::test]
async fn keys_of_both_kinds_log_in() {
    let dir = keys();
    let server = server(dir.path(), "server");
    let mut authorized = fs::read_to_string(server.dir.join("authorized")).expect("reads");
    authorized.push_str(&fs::read_to_string(dir.path().join("other.pub")).expect("reads"));
    keygen(&dir.path().join("openssh"), &["-t", "rsa", "-b", "2048"]);
    authorized.push_str(&fs::read_to_string(dir.path().join("openssh.pub")).expect("reads"));
    fs::write(server.dir.join("authorized"), authorized).expect("writes");
    for name in ["key", "other", "openssh"] {
        let key = dir.path().join(name);
        fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).expect("sets");
        let cloud = Arc::new(Cloud::default().with("host", &server, &key));
        let known = Arc::new(FileKnownHosts::new(dir.path().join("known")));
        let host = Host::new(server.target(&key), Arc::new(DirectDial), None, known, cloud);
        let mut shell = Shell::new(Arc::new(host), Setup::default());
        assert_eq!(text(&mut shell, "echo in").await, "in\n", "{name}");
        shell.close().await;
    }
}

#[tokio::test]
async fn a_login_gets_a_terminal() {
    use lab::session::{Exit, Program, WindowSize};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let dir = keys();
    let server = server(dir.path(), "server");
    let host = host(dir.path(), &server);
    let terminal = Some(WindowSize { columns: 97, rows: 31 });
    let mut child = host.spawn(Program { terminal, ..Program::default() }).await.expect("starts");
    child
        .stdin
        .write_all(b"stty size; resize() { stty size; exit 7; }; trap resize WINCH; echo re\\size me\n")
        .await
        .expect("types");
    let mut shown = Vec::new();
    let mut piece = [0; 1024];
    let mut resized = false;
    loop {
        let count = child.stdout.read(&mut piece).await.expect("reads");
        if count == 0 {
            break;
        }
        shown.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&shown);
        if !resized && text.contains("resize me") {
            resized = true;
            child.control.resize(WindowSize { columns: 55, rows: 22 });
            child.stdin.write_all(b"\n").await.expect("types");
        }
    }
    let shown = String::from_utf8_lossy(&shown);
    assert!(shown.contains("31 97\r\n") && shown.contains("22 55\r\n"), "{shown}");
    assert_eq!(child.exit.await.expect("ends"), Exit::Status(7));
}
