//! The runner's end of the Unix socket: one command a connection.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use super::execute::run;
use super::frame::{self, Typed};
use super::request::Call;

/// Answers `aws` commands that come in through `listener`, each in a task of its own, until the future is dropped.
///
/// A command whose client has gone (an interrupted `aws ec2 wait`) is given up. The listener's file should be readable
/// by its owner only: whoever connects makes calls with the runner's credentials.
pub async fn serve(listener: UnixListener, call: Arc<dyn Call>) {
    let mut commands = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
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
