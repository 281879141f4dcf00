//! Servers that allow few programs on one connection.

use super::*;

/// How many connections of a host's are open: sshd's children.
fn connections(server: &Server) -> usize {
    let parent = server.process.id().to_string();
    let output = Command::new("pgrep").args(["-P", &parent]).output().expect("pgrep runs");
    String::from_utf8_lossy(&output.stdout).lines().count()
}

async fn many_at_once(allowed: usize, expected: std::ops::RangeInclusive<usize>) {
    let dir = keys();
    let server = server_with(dir.path(), "server", &format!("MaxSessions {allowed}\n"));
    let host = Arc::new(host(dir.path(), &server));
    let mut first = Shell::new(Arc::clone(&host) as _, Setup::default());
    text(&mut first, "A=1").await;
    assert_eq!(connections(&server), 1, "one shell needs one channel");
    let mut running = Vec::new();
    for number in 0..6 {
        let mut beside = first.beside();
        running.push(tokio::spawn(async move {
            let answer = text(&mut beside, &format!("sleep 1; echo {number} $A")).await;
            beside.close().await;
            answer
        }));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(text(&mut first, "echo first $A").await, "first 1\n");
    host.write_file(dir.path().join("file").to_str().expect("UTF-8"), b"text").await.expect("writes");
    assert_eq!(fs::read(dir.path().join("file")).expect("a file"), b"text");
    let opened = connections(&server);
    assert!(expected.contains(&opened), "{opened} connections with {allowed} programs on each");
    for (number, answer) in running.into_iter().enumerate() {
        assert_eq!(answer.await.expect("ends"), format!("{number} 1\n"));
    }
    let mut block = Block::new("sleep 300");
    block.timeout = Duration::from_secs(1);
    let outcome = first.run(&block, &mut |_| {}).await.expect("runs");
    assert_eq!(outcome.ended, Ended::Deadline);
    assert_eq!(text(&mut first, "echo first $A").await, "first 1\n");
    first.close().await;
    host.close().await;
    assert!(!host.is_open());
}

#[tokio::test]
async fn many_shells_on_one_host_share_a_connection() {
    many_at_once(10, 1..=1).await;
}

#[tokio::test]
async fn more_shells_than_the_server_allows_on_a_connection_open_more_of_them() {
    many_at_once(2, 4..=5).await;
}

#[tokio::test]
async fn a_connection_for_each_program_is_enough() {
    many_at_once(1, 7..=9).await;
}

#[tokio::test]
async fn a_server_that_allows_no_program_at_all_says_so() {
    let dir = keys();
    let server = server_with(dir.path(), "server", "MaxSessions 0\n");
    let refusal = refusal(host(dir.path(), &server).ready_within(Duration::ZERO)).await;
    assert!(refusal.contains("MaxSessions"), "{refusal}");
}
