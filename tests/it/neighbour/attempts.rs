//! What a neighbour tries. Each attempt is one that root or the owner succeeds at, so that none fails for being aimed at
//! nothing.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use lab::region::client::Paths;
use nix::fcntl::{Flock, FlockArg};

use super::home::{Home, NEIGHBOUR, OWNER, as_user};
use crate::course::told;

/// What there is to be had.
struct Prey {
    paths: Paths,
    /// The front's process.
    pid: i32,
    /// The secret key of the lab `seat`.
    secret: String,
}

type Act = fn(&Prey) -> io::Result<()>;

fn read(path: &Path) -> io::Result<()> {
    File::open(path)?.read(&mut [0; 16]).map(drop)
}

fn list(path: &Path) -> io::Result<()> {
    fs::read_dir(path).map(drop)
}

fn connect(path: &Path) -> io::Result<()> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(std::time::Duration::from_millis(200)))?;
    // Who is hung up on reads the end, or is told so; who is heard, waits.
    match stream.read(&mut [0]) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

fn lock(path: &Path) -> io::Result<()> {
    Flock::lock(File::open(path)?, FlockArg::LockSharedNonblock).map(drop).or_else(|(_, errno)| match errno {
        // Its owner holds it: it could be asked for, which is all that is tried.
        nix::errno::Errno::EWOULDBLOCK => Ok(()),
        errno => Err(errno.into()),
    })
}

/// Makes a file, and takes it away again.
fn make(path: PathBuf) -> io::Result<()> {
    File::create_new(&path)?;
    fs::remove_file(path)
}

fn one_of(path: &Path) -> io::Result<PathBuf> {
    let key = |entry: &fs::DirEntry| entry.file_name().len() >= 32;
    let found = fs::read_dir(path)?.flatten().find(key).map(|entry| entry.path());
    found.ok_or_else(|| io::Error::other(format!("nothing is in {}", path.display())))
}

/// Name, and what is tried. The neighbour must be refused; root, or the owner, is not.
const REFUSED: &[(&str, Act)] = &[
    ("read the daemon's state", |prey| read(&prey.paths.region().join("labs.json"))),
    ("list the daemon's directory", |prey| list(&prey.paths.region())),
    ("read the daemon's log", |prey| read(&prey.paths.daemon_log())),
    ("read the front's process id", |prey| read(&prey.paths.region().join("pid"))),
    ("write into the daemon's directory", |prey| make(prey.paths.region().join("port.new"))),
    ("list the disks", |prey| list(&prey.paths.region().join("laptops/seat"))),
    ("read the laptop's shadow", |prey| read(&prey.paths.region().join("laptops/seat/upper/etc/shadow"))),
    ("connect to the control socket", |prey| connect(&prey.paths.control_socket())),
    ("lock the daemon's lock", |prey| lock(&prey.paths.region().join("lock"))),
    ("lock the start of a daemon", |prey| lock(&prey.paths.region().join("start.lock"))),
    ("list a lab", |prey| list(&prey.paths.lab("seat"))),
    ("read a lab's state", |prey| read(&prey.paths.lab("seat").join("lab.json"))),
    ("read a lab's journal", |prey| read(&prey.paths.lab("seat").join("journal.jsonl"))),
    ("read a lab's results", |prey| read(&prey.paths.lab("seat").join("results.jsonl"))),
    ("read the laptop's variables", |prey| read(&prey.paths.lab("seat").join("laptop.state"))),
    ("read a key on the laptop", |prey| read(&prey.paths.lab_home("seat").join("key.pem"))),
    ("list the laptop's home directory", |prey| list(&prey.paths.lab_home("seat"))),
    ("write into the laptop's home directory", |prey| make(prey.paths.lab_home("seat").join("go"))),
    ("lock a lab", |prey| lock(&prey.paths.lab("seat").join("lock"))),
    ("make calls in a lab of the local region", |prey| connect(&prey.paths.lab_run("seat").join("aws.sock"))),
    ("make calls with the owner's AWS credentials", |prey| {
        connect(&prey.paths.lab_run("cloud").join("aws.sock"))
    }),
    ("list the checkpoints", |prey| list(&prey.paths.checkpoints())),
    ("read the results in a checkpoint", |prey| {
        read(&one_of(&prey.paths.checkpoints())?.join("results.jsonl"))
    }),
    ("hold the lock of the checkpoints", |prey| lock(&prey.paths.checkpoints().join("lock"))),
    ("list root's part of the checkpoints", |prey| list(&prey.paths.states())),
    ("read a home directory in a checkpoint", |prey| {
        read(&one_of(&prey.paths.states())?.join("home/key.pem"))
    }),
    ("read the authority's key", |prey| read(&prey.paths.authority().join("ca.key"))),
    ("list the images", |prey| list(&prey.paths.images())),
    ("look at the daemon's environment", |prey| read(format!("/proc/{}/environ", prey.pid).as_ref())),
    ("enter the daemon's root directory", |prey| list(format!("/proc/{}/root/", prey.pid).as_ref())),
    ("take the daemon's descriptors", |prey| list(format!("/proc/{}/fd", prey.pid).as_ref())),
    ("trace the daemon", |prey| {
        let pid = nix::unistd::Pid::from_raw(prey.pid);
        nix::sys::signal::kill(pid, None).map_err(Into::into)
    }),
];

/// Whether a text stands in the command line of a process.
fn is_in_a_command_line(text: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines.into_iter().any(|line| String::from_utf8_lossy(&line).contains(text))
}

const QUICK: &str =
    "# Quick\n\n```sh {#make-key}\necho PRIVATE > key.pem\nchmod 400 key.pem\nln -s /etc/shadow steal\n```\n";
const WAIT: &str = "# Wait\n\n```sh {#wait timeout=5m}\naws ec2 create-vpc --cidr-block 10.0.0.0/16 > vpc\n\
                    touch began\nuntil test -e go || ! test -d \"$PWD\"; do sleep 0.1; done\n```\n";

/// A region in use: a lab on it whose block runs, one on "AWS" whose block runs, a checkpoint.
fn in_use(home: &Home) -> (Prey, Vec<std::process::Child>) {
    let started = home.start();
    assert!(started.status.success(), "{}", told(&started));
    home.lesson("01-quick", QUICK);
    home.lesson("02-wait", WAIT);
    let local = home.begin("seat", home.lab(&["run", "02-wait", "--lab", "seat"]));
    // AWS is what the environment says it is.
    let variables = home.well(&["region", "env", "--lab", "account"]);
    let mut cloud = home.lab(&["run", "02-wait", "--lab", "cloud", "--cloud", "aws", "--yes"]);
    for line in variables.lines() {
        if let Some((name, value)) = line.strip_prefix("export ").and_then(|line| line.split_once('=')) {
            cloud.env(name, value);
        }
    }
    let cloud = home.begin("cloud", cloud);
    let paths = home.paths();
    let state = fs::read_to_string(paths.region().join("labs.json")).expect("root reads it");
    let state: serde_json::Value = serde_json::from_str(&state).expect("JSON");
    let pid = fs::read_to_string(paths.region().join("pid")).expect("root reads it");
    let secret = state.pointer("/labs/seat/secret_access_key").and_then(|key| key.as_str()).expect("a key");
    let prey = Prey { secret: secret.to_owned(), pid: pid.trim().parse().expect("a number"), paths };
    (prey, vec![local, cloud])
}

fn tried_under(umask: u32) {
    let home = Home::new(umask);
    let (prey, running) = in_use(&home);
    // First as it is made; then as if the owner had opened the outermost directories, as older programs left them.
    for opened in [false, true] {
        if opened {
            for path in [&prey.paths.state, &prey.paths.cache, &prey.paths.state.join("labs")] {
                fs::set_permissions(path, Permissions::from_mode(0o755)).expect("opened");
            }
        }
        let mut wrong = Vec::new();
        for (name, act) in REFUSED {
            if let Err(error) = act(&prey).or_else(|_| as_user(OWNER, || act(&prey))) {
                wrong.push(format!("root and the owner fail to {name}, so it shows nothing: {error}"));
            }
            match as_user(NEIGHBOUR, || act(&prey)) {
                Ok(()) => wrong.push(format!("the neighbour can {name} (opened: {opened})")),
                Err(error) if matches!(error.kind(), io::ErrorKind::PermissionDenied) => {}
                Err(error) => {
                    wrong.push(format!("the neighbour fails to {name} for another reason: {error}"))
                }
            }
        }
        assert!(wrong.is_empty(), "under umask {umask:03o}:\n{}", wrong.join("\n"));
    }
    // What everybody can see tells nothing.
    as_user(NEIGHBOUR, || {
        assert!(!is_in_a_command_line(&prey.secret));
        assert!(is_in_a_command_line("region-front"), "command lines can be seen");
    });
    // The EC2 endpoint is on loopback, for every program of this machine that has a key.
    let endpoint = fs::read_to_string(prey.paths.region().join("port")).expect("root reads it");
    let answer = as_user(NEIGHBOUR, || {
        let port = endpoint.trim().parse().expect("a port");
        let mut stream = TcpStream::connect((std::net::Ipv4Addr::LOCALHOST, port)).expect("it listens");
        let request =
            "GET /?Action=DescribeVpcs&Version=2016-11-15 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    });
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    // Its owner is kept from nothing that is his.
    as_user(OWNER, || {
        connect(&prey.paths.control_socket()).expect("the owner's region");
        read(&prey.paths.daemon_log()).expect("the owner's log");
        read(&prey.paths.lab("seat").join("journal.jsonl")).expect("the owner's journal");
        for secret in ["labs.json", "lock", "pid"] {
            read(&prey.paths.region().join(secret)).expect_err("root's own");
        }
    });
    for lab in ["seat", "cloud"] {
        fs::write(prey.paths.lab_home(lab).join("go"), "").expect("written");
    }
    for mut child in running {
        assert!(child.wait().expect("ends").success());
    }
    assert!(home.well(&["status"]).contains("02-wait: 1 block done"));
    // Also what has been opened is closed again by the next command.
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    home.well(&["region", "stop"]);
    assert!(home.start().status.success());
    home.well(&["down", "--lab", "seat"]);
    assert_eq!(mode(&prey.paths.region()), 0o711);
    for (file, mode) in modes(&prey.paths) {
        assert_eq!(mode & 0o077, 0, "{} is {mode:03o}", file.display());
    }
}

/// Files and directories that others have no business with, with their modes: all of the labs, the daemon's own files.
fn modes(paths: &Paths) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    let mut open = vec![paths.state.join("labs").join("cloud"), paths.checkpoints()];
    while let Some(path) = open.pop() {
        let meta = fs::symlink_metadata(&path).expect("there");
        // What is in a home directory is the lessons' business; the directory around it is closed.
        if meta.is_symlink() || path.ends_with("home") {
            continue;
        }
        if meta.is_dir() && path != paths.states() {
            open.extend(fs::read_dir(&path).expect("lists").flatten().map(|entry| entry.path()));
        }
        found.push((path, meta.permissions().mode() & 0o777));
    }
    for name in ["labs.json", "lock", "start.lock", "pid", "port", "daemon.log", "control.sock"] {
        let path = paths.region().join(name);
        let mode = fs::symlink_metadata(&path).expect(name).permissions().mode() & 0o777;
        found.push((path, mode));
    }
    found
}

#[test]
fn a_neighbour_reads_no_secret_and_reaches_no_socket() {
    tried_under(0o022);
}

#[test]
fn nor_under_a_umask_that_closes_nothing() {
    tried_under(0o000);
}
