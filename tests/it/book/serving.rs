//! The book on a socket.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use lab::book::Served;
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
