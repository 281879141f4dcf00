//! The book on a socket.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use lab::book::Served;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::course::Course;

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("it answers");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_changed_lesson_is_built_again_and_open_pages_are_told() {
    let course = Course::new("# First\n\nBefore.\n");
    let (tell, told) = mpsc::channel();
    let root = course.path().to_owned();
    let server = async move {
        lab::book::serve(&root, "127.0.0.1:0".parse().expect("an address"), |event| {
            tell.send(event).expect("heard")
        })
        .await
    };
    let reader = async {
        let wait = async || loop {
            match told.try_recv() {
                Ok(event) => break event,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        let Served::Listening(address) = wait().await else { panic!("it listens first") };
        let page = get(address, "/01-first.html").await;
        assert!(
            page.starts_with("HTTP/1.1 200") && page.contains("Before.") && page.contains("__livereload"),
            "{page}"
        );
        assert!(get(address, "/no-such-page").await.starts_with("HTTP/1.1 404"));

        let mut open = TcpStream::connect(address).await.expect("it listens");
        let upgrade = format!(
            "GET /__livereload HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        open.write_all(upgrade.as_bytes()).await.expect("it reads");

        course.write("lessons/01-first.md", "# First\n\n```sh {#broken exit=never}\n```\n");
        assert!(matches!(wait().await, Served::Failed(_)));
        assert!(
            get(address, "/01-first.html").await.contains("Before."),
            "a build that fails changes nothing"
        );

        course.write("lessons/01-first.md", "# First\n\nAfter.\n");
        assert!(matches!(wait().await, Served::Built(_)));
        assert!(get(address, "/01-first.html").await.contains("After."));
        let mut heard = Vec::new();
        while !heard.ends_with(b"reload") {
            let byte = open.read_u8().await.expect("a page that is open is told");
            heard.push(byte);
        }
        assert!(String::from_utf8_lossy(&heard).starts_with("HTTP/1.1 101"));
    };
    tokio::select! {
        ended = server => panic!("the server ended: {ended:?}"),
        () = reader => {}
    }
}

fn lab(course: &Course, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.arg("-C").arg(course.path()).args(arguments).stdin(Stdio::null());
    command
}

#[test]
fn the_program_serves_until_ctrl_c() {
    let course = Course::new("# First\n");
    let mut serving = lab(&course, &["book", "serve", "--address", "127.0.0.1:0"]);
    let mut serving = serving.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut told = String::new();
    BufReader::new(serving.stdout.take().expect("its output")).read_line(&mut told).expect("it tells");
    let address = told.strip_prefix("the book is at http://").and_then(|rest| rest.split('/').next());
    let address = address.unwrap_or_else(|| panic!("no address in {told}"));

    let busy = lab(&course, &["book", "serve", "--address", address]).output().expect("it runs");
    let said = String::from_utf8_lossy(&busy.stderr);
    assert_eq!(busy.status.code(), Some(3), "{said}");
    assert!(said.contains(&format!("failed to listen on {address}: Address already in use")), "{said}");
    assert!(said.contains("hint: another port"), "{said}");

    kill(Pid::from_raw(serving.id().cast_signed()), Signal::SIGINT).expect("it runs");
    assert_eq!(serving.wait().expect("it ends").code(), Some(0));
}

#[test]
fn mistakes_in_lessons_are_wrong_usage() {
    let course = Course::new("# First\n\n```sh {#it exit=never}\ntrue\n```\n");
    let built = lab(&course, &["book", "build"]).output().expect("it runs");
    assert_eq!(built.status.code(), Some(2), "{built:?}");
}
