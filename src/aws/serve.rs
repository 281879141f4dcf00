//! The runner's end of the Unix socket: one command a connection.
//!
//! Whoever connects makes calls with the runner's credentials. Its file is its owner's alone, in a directory that is its
//! owner's alone; and, because files are moved and modes are changed, the kernel is asked who the caller is.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use super::execute::run;
use super::frame::{self, Typed};
use super::request::Call;

/// Answers `aws` commands that come in through `listener`, each in a task of its own, until the future is dropped.
///
/// Callers that run as another user than `users` name are hung up on. A command whose client has gone (an interrupted
/// `aws ec2 wait`) is given up.
pub async fn serve(listener: UnixListener, users: Vec<u32>, call: Arc<dyn Call>) {
    let mut commands = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if !is_from(&stream, &users) => drop(stream),
                Ok((stream, _)) => {
                    let call = Arc::clone(&call);
                    // A client that breaks off has nobody to be told about it.
                    commands.spawn(async move { answer(stream, call.as_ref()).await.ok() });
                }
                // Out of descriptors: the commands that run will give some back.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            },
            Some(_) = commands.join_next() => {}
        }
    }
}

fn is_from(stream: &UnixStream, users: &[u32]) -> bool {
    stream.peer_cred().is_ok_and(|peer| users.contains(&peer.uid()))
}

async fn answer(mut stream: UnixStream, call: &dyn Call) -> io::Result<()> {
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix).await?;
    let mut message = vec![0; frame::message_length(prefix)?];
    stream.read_exact(&mut message).await?;
    let Some(typed) = Typed::from_message(&message) else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the message cannot be understood"));
    };
    let mut byte = [0];
    let outcome = tokio::select! {
        outcome = run(&typed, call) => outcome,
        _ = stream.read(&mut byte) => return Ok(()),
    };
    let message = outcome.to_message();
    stream.write_all(&frame::length(message.len())).await?;
    stream.write_all(&message).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::aws::frame::Outcome;
    use crate::aws::request::{Answer, CallError, Request};

    /// A cloud of one VPC; whoever asks for instances waits for ever.
    struct OneVpc;

    impl Call for OneVpc {
        fn call<'a>(&'a self, request: &'a Request) -> Answer<'a, Result<Value, CallError>> {
            Box::pin(async {
                match request.operation.name {
                    "DescribeVpcs" => Ok(json!({"Vpcs": [{"VpcId": "vpc-1"}]})),
                    _ => std::future::pending().await,
                }
            })
        }
    }

    fn own() -> Vec<u32> {
        vec![nix::unistd::Uid::effective().as_raw()]
    }

    async fn ask(path: &std::path::Path, line: &str) -> Outcome {
        let argv = line.split(' ').map(str::to_owned).collect();
        let message = Typed { argv, ..Typed::default() }.to_message();
        let mut stream = UnixStream::connect(path).await.expect("connects");
        stream.write_all(&frame::length(message.len())).await.expect("sends");
        stream.write_all(&message).await.expect("sends");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        Outcome::from_message(&answer[4..]).expect("an outcome")
    }

    #[tokio::test]
    async fn commands_are_answered_side_by_side() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("aws");
        let server = tokio::spawn(serve(UnixListener::bind(&path).expect("binds"), own(), Arc::new(OneVpc)));
        let stuck = ask(&path, "ec2 describe-instances");
        let outcome = tokio::select! {
            _ = stuck => panic!("it should wait"),
            outcome = ask(&path, "ec2 describe-vpcs --query Vpcs[0].VpcId --output text") => outcome,
        };
        assert_eq!(outcome, Outcome { exit: 0, stdout: "vpc-1\n".to_owned(), stderr: String::new() });
        // The client of the first one has gone; the server still answers.
        assert_eq!(ask(&path, "ec2 nonsense").await.exit, 252);
        server.abort();
    }

    #[tokio::test]
    async fn another_user_is_hung_up_on() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("aws");
        let others = vec![own()[0] + 1];
        let listener = UnixListener::bind(&path).expect("binds");
        let server = tokio::spawn(serve(listener, others, Arc::new(OneVpc)));
        let mut stream = UnixStream::connect(&path).await.expect("connects");
        let mut answer = Vec::new();
        // The end, or a reset where something was sent that nobody has read.
        let _ = stream.write_all(&frame::length(4)).await;
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty());
        server.abort();
    }
}
