//! The process that fetches packages on the host, against an archive of our own: what it asks, whom, and what it
//! makes of the answers.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// A fetcher whose package manager knows one archive, at an address of ours.
struct World {
    directory: tempfile::TempDir,
    fetcher: Child,
    socket: BufReader<UnixStream>,
    /// First lines of the requests that the archive has heard.
    heard: Arc<Mutex<Vec<String>>>,
}

impl World {
    /// `configuration` is added to apt's.
    fn new(configuration: &str) -> World {
        let (port, heard) = archive();
        World::with_archive(port, heard, &configuration.replace("PORT", &port.to_string()))
    }

    fn with_archive(port: u16, heard: Arc<Mutex<Vec<String>>>, configuration: &str) -> World {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path();
        let sources = place.join("sources.list");
        fs::write(&sources, format!("deb [trusted=yes] http://127.0.0.1:{port}/debian bookworm main\n"))
            .expect("write");
        let settings = place.join("apt.conf");
        let text = format!(
            "Dir::Etc::SourceList \"{}\";\nDir::Etc::SourceParts \"/dev/null\";\nDir::Etc::Parts \"/dev/null\";\n\
             #clear Acquire::http;\n#clear Acquire::https;\nAcquire::http::Timeout \"5\";\n{configuration}\n",
            sources.display()
        );
        fs::write(&settings, text).expect("write");
        let (ours, theirs) = UnixStream::pair().expect("a socket");
        ours.set_read_timeout(Some(Duration::from_secs(30))).expect("set a deadline");
        fs::create_dir_all(place.join("cache/packages/.partial")).expect("create");
        let fetcher = Command::new(env!("CARGO_BIN_EXE_lab"))
            .arg("region-fetcher")
            .arg("--state")
            .arg(place.join("state"))
            .arg("--cache")
            .arg(place.join("cache"))
            .args(["--owner", "0:0"])
            .env("APT_CONFIG", settings)
            .env_remove("http_proxy")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()
            .expect("start the fetcher");
        let mut socket = BufReader::new(ours);
        let mut line = String::new();
        socket.read_line(&mut line).expect("a first word");
        assert_eq!(line, "\"started\"\n");
        // What was meant for one before it, half of it read, is none of its business.
        let stale = json!({"id": 9, "path": "debian/stale", "to": "b", "since": null});
        write!(socket.get_mut(), "debian/cut\"}}\n{stale}\n\"again\"\n").expect("send what comes first");
        World { directory, fetcher, socket, heard }
    }

    fn fetch(&mut self, path: &str, to: &str, since: Option<&str>) -> Value {
        let order = json!({"id": 1, "path": path, "to": to, "since": since});
        writeln!(self.socket.get_mut(), "{order}").expect("send the order");
        let mut line = String::new();
        self.socket.read_line(&mut line).expect("an answer");
        let mut report: Value = serde_json::from_str(&line).expect("JSON");
        report["outcome"].take()
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join("cache/packages/.partial").join(name)
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("no panic").clone()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Its end of the socket closes; it ends by itself unless something is wrong.
        let _ = self.socket.get_ref().shutdown(std::net::Shutdown::Both);
        let _ = self.fetcher.wait();
    }
}

/// An archive with one file, one that has moved, and nothing else.
fn archive() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
    let port = listener.local_addr().expect("an address").port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let log = Arc::clone(&log);
            std::thread::spawn(move || converse(&stream, &log));
        }
    });
    (port, heard)
}

fn converse(mut stream: &std::net::TcpStream, log: &Mutex<Vec<String>>) {
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    while let Some(first) = lines.next() {
        let headers: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        log.lock().expect("no panic").push(first);
        let has = |header: &str| headers.iter().any(|line| line.eq_ignore_ascii_case(header));
        let answer = if path.ends_with("/debian/dists/trixie/InRelease") {
            if has(&format!("If-Modified-Since: {DATE}")) {
                "HTTP/1.1 304 Not Modified\r\n\r\n".to_owned()
            } else {
                format!("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nLast-Modified: {DATE}\r\n\r\nindex\n")
            }
        } else if path.ends_with("/debian/pool/moved%2B1.deb") {
            "HTTP/1.1 302 Found\r\nLocation: /debian/dists/trixie/InRelease\r\nContent-Length: 0\r\n\r\n"
                .to_owned()
        } else {
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned()
        };
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn seconds(file: &Path) -> u64 {
    let time = fs::metadata(file).and_then(|file| file.modified()).expect("a time");
    time.duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs()
}

#[test]
fn files_come_from_the_machines_archive_with_their_times() {
    let mut world = World::new("");
    assert_eq!(world.fetch("debian/dists/trixie/InRelease", "a0", None), "fetched");
    assert_eq!(fs::read_to_string(world.file("a0")).expect("the file"), "index\n");
    assert_eq!(seconds(&world.file("a0")), 784_111_777);
    let since = Some("Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(world.fetch("debian/dists/trixie/InRelease", "a1", since), "unchanged");
    assert_eq!(world.fetch("debian/dists/trixie/Release", "a2", None), "missing");
    // The security archive is looked for beside the main one.
    assert_eq!(world.fetch("debian-security/dists/x", "a3", None), "missing");
    assert_eq!(world.heard().last().map(String::as_str), Some("GET /debian-security/dists/x HTTP/1.1"));
}

#[test]
fn redirections_are_followed_as_apt_does() {
    let mut world = World::new("");
    let outcome = world.fetch("debian/pool/moved+1.deb", "a0", None);
    assert_eq!(outcome, "fetched", "{:?}", world.heard());
    assert_eq!(fs::read_to_string(world.file("a0")).expect("the file"), "index\n");
    let heard = ["GET /debian/pool/moved%2B1.deb HTTP/1.1", "GET /debian/dists/trixie/InRelease HTTP/1.1"];
    assert_eq!(world.heard(), heard);
}

#[test]
fn nobody_but_the_archive_is_asked_and_no_file_elsewhere_written() {
    let mut world = World::new("");
    let refused = |outcome: Value| outcome["failed"].as_str().map(str::to_owned).expect("a refusal");
    for path in ["http://other.example/x", "debian/../../etc/passwd", "/etc/passwd", "ubuntu/x", "debian/a b"]
    {
        assert_eq!(refused(world.fetch(path, "a0", None)), "a path outside the archives", "{path}");
    }
    for name in ["../a0", "/tmp/a0", "", "index"] {
        refused(world.fetch("debian/dists/trixie/InRelease", name, None));
    }
    assert!(world.heard().is_empty());
}

#[test]
fn the_machines_proxy_is_used() {
    // The archive itself plays the proxy: it is asked by whole addresses then.
    let (port, heard) = archive();
    let proxy = format!("Acquire::http::Proxy \"http://127.0.0.1:{port}/\";");
    // Nobody listens at the archive's own address.
    let mut world = World::with_archive(9, heard, &proxy);
    assert_eq!(world.fetch("debian/dists/trixie/InRelease", "a0", None), "fetched");
    assert_eq!(world.heard(), ["GET http://127.0.0.1:9/debian/dists/trixie/InRelease HTTP/1.1"]);
}

#[test]
fn an_archive_that_cannot_be_reached_is_told_with_its_reason() {
    let mut world = World::with_archive(9, Arc::default(), "");
    let outcome = world.fetch("debian/dists/trixie/InRelease", "a0", None);
    let reason = outcome["failed"].as_str().expect("a failure");
    assert!(reason.contains("127.0.0.1:9"), "{reason}");
}
