//! Shells over SSH, against OpenSSH servers that the tests start on 127.0.0.1 with keys of their own.

use std::fs;
use std::io::{self, BufRead as _};
use std::net::{TcpListener, TcpStream as StdStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lab::session::ssh::{FileKnownHosts, Host};
use lab::session::{
    Block, BoxFuture, Dial, DirectDial, Ended, KeyFile, LocalMachine, Machine, Pool, Resolve, ResolveError,
    Setup, Shell, Target,
};
use tokio::net::TcpStream;

use crate::session_checks::Subject;

/// An OpenSSH server.
pub struct Server {
    port: u16,
    process: Child,
    dir: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn keygen(path: &Path, kind: &[&str]) {
    let status =
        Command::new("ssh-keygen").args(["-q", "-N", "", "-C", "test", "-f"]).arg(path).args(kind).status();
    assert!(status.expect("ssh-keygen runs").success());
}

/// A directory with a login key (`key`, RSA in PEM as EC2 gives it out; `other`, ED25519).
fn keys() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    keygen(&dir.path().join("key"), &["-t", "rsa", "-b", "2048", "-m", "PEM"]);
    keygen(&dir.path().join("other"), &["-t", "ed25519"]);
    dir
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

fn server(dir: &Path, name: &str) -> Server {
    server_on(dir, name, free_port())
}

fn server_on(dir: &Path, name: &str, port: u16) -> Server {
    let own = dir.join(name);
    fs::create_dir_all(&own).expect("a directory");
    keygen(&own.join("host"), &["-t", "ed25519"]);
    fs::copy(dir.join("key.pub"), own.join("authorized")).expect("copies");
    let config = format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {0}/host\nAuthorizedKeysFile {0}/authorized\nPidFile none\nUsePAM no\n\
         StrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 100\n\
         Subsystem sftp internal-sftp\n",
        own.display()
    );
    fs::write(own.join("config"), config).expect("writes");
    // Where OpenSSH, started as root, puts its unprivileged part.
    let _ = fs::create_dir_all("/run/sshd");
    let mut process = Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f"])
        .arg(own.join("config"))
        .stderr(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .expect("sshd starts");
    let log = io::BufReader::new(process.stderr.take().expect("a log"));
    let mut lines = log.lines();
    let mut seen = Vec::new();
    loop {
        let line = lines.next().unwrap_or_else(|| panic!("sshd ended: {seen:?}")).expect("a line");
        if line.contains("Server listening") {
            break;
        }
        seen.push(line);
    }
    std::thread::spawn(move || lines.for_each(drop));
    Server { port, process, dir: own }
}

impl Server {
    fn target(&self, key: &Path) -> Target {
        Target {
            instance: format!("i-{}", self.port),
            address: "127.0.0.1".to_owned(),
            port: self.port,
            user: std::env::var("USER").unwrap_or_else(|_| "root".to_owned()),
            key: KeyFile { path: "key".to_owned(), text: fs::read_to_string(key).expect("a key") },
        }
    }

    fn console(&self) -> String {
        let key = fs::read_to_string(self.dir.join("host.pub")).expect("a key");
        format!("boot\n-----BEGIN SSH HOST KEY KEYS-----\n{key}-----END SSH HOST KEY KEYS-----\nlogin:\n")
    }
}

/// The cloud of these tests: fixed hosts and their consoles.
#[derive(Default)]
struct Cloud {
    hosts: Vec<(String, Target, String)>,
}

impl Cloud {
    fn with(mut self, name: &str, server: &Server, key: &Path) -> Self {
        self.hosts.push((name.to_owned(), server.target(key), server.console()));
        self
    }
}

impl Resolve for Cloud {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        _: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Target, ResolveError>> {
        let found = self.hosts.iter().find(|(name, ..)| name == host).map(|(_, target, _)| target.clone());
        Box::pin(async move {
            found.ok_or_else(|| ResolveError(format!("no running instance has the Name tag \"{host}\"")))
        })
    }

    fn console_output<'a>(&'a self, instance: &'a str) -> BoxFuture<'a, Result<String, ResolveError>> {
        let found = self.hosts.iter().find(|(_, target, _)| target.instance == instance);
        let console = found.map(|(.., console)| console.clone()).unwrap_or_default();
        Box::pin(async move { Ok(console) })
    }
}

/// Reaches one port only, as a laptop reaches the bastion only.
struct OnlyPort(u16);

impl Dial for OnlyPort {
    fn dial<'a>(
        &'a self,
        host: &'a str,
        port: u16,
        timeout: Duration,
    ) -> BoxFuture<'a, io::Result<TcpStream>> {
        if port == self.0 {
            DirectDial.dial(host, port, timeout)
        } else {
            Box::pin(async { Err(io::ErrorKind::TimedOut.into()) })
        }
    }
}

fn host(dir: &Path, server: &Server) -> Host {
    let key = dir.join("key");
    let cloud = Arc::new(Cloud::default().with("host", server, &key));
    let known = Arc::new(FileKnownHosts::new(dir.join("known")));
    Host::new(server.target(&key), Arc::new(DirectDial), None, known, cloud)
}

/// A host behind a server of its own, which lives as long as what comes with it.
pub fn one_host() -> (Host, (tempfile::TempDir, Server)) {
    let dir = keys();
    let server = server(dir.path(), "server");
    (host(dir.path(), &server), (dir, server))
}

async fn subject() -> (Subject, (tempfile::TempDir, Server)) {
    let dir = keys();
    let server = server(dir.path(), "server");
    let machine: Arc<dyn Machine> = Arc::new(host(dir.path(), &server));
    (Subject::new(machine, dir.path().to_owned()), (dir, server))
}

crate::session_checks!(subject);

async fn text(shell: &mut Shell, script: &str) -> String {
    let outcome = shell.run(&Block::new(script), &mut |_| {}).await.expect("runs");
    assert_eq!((outcome.status, &outcome.ended), (Some(0), &Ended::Normally), "{script}");
    outcome.output.to_text()
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Why the first block on this host cannot be run.
async fn refusal(host: Host) -> String {
    let mut shell = Shell::new(Arc::new(host), Setup::default());
    let error = shell.run(&Block::new("true"), &mut |_| {}).await.expect_err("must not run");
    chain(&error)
}

#[tokio::test]
async fn a_host_is_reached_through_another() {
    let dir = keys();
    let (bastion, inner) = (server(dir.path(), "bastion"), server(dir.path(), "inner"));
    let key = dir.path().join("key");
    let cloud = Arc::new(Cloud::default().with("web", &bastion, &key).with("db", &inner, &key));
    let laptop = Arc::new(LocalMachine::new(dir.path()));
    let known = Arc::new(FileKnownHosts::new(dir.path().join("known")));
    let mut pool = Pool::new(laptop, Setup::default(), Arc::new(OnlyPort(bastion.port)), cloud, known);
    let port = "set -- $SSH_CONNECTION; echo $4";
    assert_eq!(text(pool.shell("web", None).await.expect("web"), port).await, format!("{}\n", bastion.port));
    assert_eq!(
        text(pool.shell("db", Some("web")).await.expect("db"), port).await,
        format!("{}\n", inner.port)
    );
    assert_eq!(
        text(pool.shell("laptop", None).await.expect("laptop"), "A=1; echo ${SSH_CONNECTION-none}").await,
        "none\n"
    );
    let user = &inner.target(&key).user;
    let command = pool.ssh_command("db").expect("a command");
    assert_eq!(
        command,
        format!(
            "ssh -i key -o ProxyCommand='ssh -i key -W %h:%p -p {} {user}@127.0.0.1' -p {} {user}@127.0.0.1",
            bastion.port, inner.port
        )
    );
    assert_eq!(pool.ssh_command("laptop"), None);
    // OpenSSH takes it as it stands, without an agent.
    let quiet = "ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR";
    let typed =
        format!("{} 'set -- $SSH_CONNECTION; echo $4'", command.replace("ssh ", &format!("{quiet} ")));
    let mut bash = Command::new("bash");
    bash.args(["-c", &typed]).current_dir(dir.path()).env_remove("SSH_AUTH_SOCK").stdin(Stdio::null());
    let output = bash.output().expect("bash");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{}\n", inner.port), "{output:?}");
    let missing = pool.shell("nowhere", None).await.err().expect("no such host");
    assert_eq!(chain(&missing), "find the host `nowhere`: no running instance has the Name tag \"nowhere\"");
    text(pool.shell("db", Some("web")).await.expect("db"), "D=kept").await;
    pool.close_hosts().await;
    assert_eq!(text(pool.shell("laptop", None).await.expect("laptop"), "echo $A").await, "1\n");
    assert_eq!(text(pool.shell("db", Some("web")).await.expect("db"), "echo ${D-gone}").await, "gone\n");
    pool.close().await;
}

#[tokio::test]
async fn a_connection_found_dead_is_reopened_and_one_that_dies_in_a_block_is_told() {
    let dir = keys();
    let server = server(dir.path(), "server");
    let host = Arc::new(host(dir.path(), &server));
    let mut shell = Shell::new(Arc::clone(&host) as _, Setup::default());
    let sshd = text(&mut shell, "A=kept; cd /; echo $PPID").await;
    let killed = Command::new("kill").args(["-9", sshd.trim()]).status().expect("kill runs");
    assert!(killed.success());
    while host.is_open() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(text(&mut shell, "echo $A $PWD").await, "kept /\n");
    let file = dir.path().join("left");
    let heard = dir.path().join("heard");
    let script = format!(
        "B=lost; sleep 300 & echo $! >{}; echo out; until [ -e {} ]; do sleep 0.01; done; kill -9 $PPID; sleep 300",
        file.display(),
        heard.display()
    );
    let mut hear = |_: &[u8]| fs::write(&heard, "").expect("writes");
    let outcome = shell.run(&Block::new(script), &mut hear).await.expect("runs");
    assert!(matches!(outcome.ended, Ended::Cut(_)), "{:?}", outcome.ended);
    assert_eq!((outcome.status, outcome.variables.len()), (None, 0));
    assert_eq!(outcome.output.to_text(), "out\n");
    let left =
        "case $(cat /proc/$(cat FILE)/stat 2>/dev/null) in ''|*') Z '*) echo ended;; *) echo runs;; esac";
    let left = left.replace("FILE", &file.display().to_string());
    assert_eq!(text(&mut shell, &format!("echo $A ${{B-}}; {left}")).await, "kept\nended\n");
    shell.close().await;
}

#[tokio::test]
async fn a_connection_that_answers_no_more_is_replaced_before_a_block() {
    let dir = keys();
    let server = server(dir.path(), "server");
    let mut shell = Shell::new(Arc::new(host(dir.path(), &server)), Setup::default());
    let sshd = text(&mut shell, "A=kept; echo $PPID").await;
    let signal = |name: &str| Command::new("kill").args([name, sshd.trim()]).status().expect("kill runs");
    assert!(signal("-STOP").success());
    // A shell that was used just now is trusted.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let answer = text(&mut shell, "echo $A $PPID").await;
    assert!(answer.starts_with("kept ") && !answer.ends_with(&format!(" {sshd}")), "{answer}");
    assert!(signal("-KILL").success());
    shell.close().await;
}

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
async fn a_host_that_is_still_booting_is_waited_for() {
    let dir = keys();
    let port = free_port();
    // Its keys are made before, as the console of a booting host shows them before its server listens.
    let booted = server_on(dir.path(), "server", port);
    let waiting = host(dir.path(), &booted);
    drop(booted);
    assert!(StdStream::connect(("127.0.0.1", port)).is_err());
    let mut shell = Shell::new(Arc::new(waiting), Setup::default());
    let block = Block::new("echo up");
    let mut ignored = |_: &[u8]| {};
    let mut run = Box::pin(shell.run(&block, &mut ignored));
    let begun = Instant::now();
    // While it is refused, it keeps trying.
    while begun.elapsed() < Duration::from_millis(300) {
        assert!(tokio::time::timeout(Duration::from_millis(50), &mut run).await.is_err());
    }
    fs::remove_file(dir.path().join("server/host.pub")).expect("removes");
    fs::rename(dir.path().join("server/host"), dir.path().join("kept")).expect("renames");
    let _server = {
        let config = dir.path().join("server/config");
        fs::rename(dir.path().join("kept"), dir.path().join("server/host")).expect("renames");
        Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(config)
            .stderr(Stdio::null())
            .spawn()
            .map(|process| Server { port, process, dir: dir.path().join("server") })
    }
    .expect("sshd starts");
    let outcome = run.await.expect("runs");
    assert_eq!(outcome.output.to_text(), "up\n");
}

#[tokio::test]
async fn children_of_sudo_end_at_the_deadline_too() {
    let dir = keys();
    let server = server(dir.path(), "server");
    let mut shell = Shell::new(Arc::new(host(dir.path(), &server)), Setup::default());
    let file = dir.path().join("pid").display().to_string();
    let mut block = Block::new(format!("sudo -n sh -c 'echo $$ >{file}; exec sleep 300'"));
    block.timeout = Duration::from_secs(2);
    let outcome = shell.run(&block, &mut |_| {}).await.expect("runs");
    assert_eq!(outcome.ended, Ended::Deadline, "{}", outcome.output.to_text());
    let left =
        "case $(cat /proc/$(cat FILE)/stat 2>/dev/null) in ''|*') Z '*) echo ended;; *) echo runs;; esac";
    assert_eq!(text(&mut shell, &left.replace("FILE", &file)).await, "ended\n");
    shell.close().await;
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
