//! Shells over SSH, against OpenSSH servers that the tests start on 127.0.0.1 with keys of their own.

mod connections;
mod limits;
mod logins;
mod noise;

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

/// A server with these lines of configuration before the usual ones; the first that says something counts.
fn server_with(dir: &Path, name: &str, more: &str) -> Server {
    start(dir, name, free_port(), more)
}

fn server_on(dir: &Path, name: &str, port: u16) -> Server {
    start(dir, name, port, "")
}

fn start(dir: &Path, name: &str, port: u16, more: &str) -> Server {
    let own = dir.join(name);
    fs::create_dir_all(&own).expect("a directory");
    keygen(&own.join("host"), &["-t", "ed25519"]);
    fs::copy(dir.join("key.pub"), own.join("authorized")).expect("copies");
    let subsystem = if more.contains("Subsystem") { "" } else { "Subsystem sftp internal-sftp\n" };
    // A bash that believes to be sshd's first child reads ~/.bashrc, and what the person of this machine has there may take
    // many seconds (pyenv waits for a lock); the level says that it is not.
    let config = format!(
        "{more}ListenAddress 127.0.0.1:{port}\nHostKey {0}/host\nAuthorizedKeysFile {0}/authorized\nPidFile none\nUsePAM no\n\
         StrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 100\n\
         {subsystem}SetEnv SHLVL=3\n",
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
