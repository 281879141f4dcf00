//! Files on a machine, by a program there: what works wherever a program can be started.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Exit, Machine, Program};

/// Writes a whole file, and replaces the contents of one that is there. A relative path begins at the user's home.
pub async fn write_file(machine: &dyn Machine, path: &str, contents: &[u8]) -> io::Result<()> {
    let argv =
        ["bash", "--noprofile", "--norc", "-c", "LC_ALL=C; cat >\"$1\"", "lab", path].map(str::to_owned);
    let mut child = machine.spawn(Program { argv: argv.to_vec(), ..Program::default() }).await?;
    let mut said = Vec::new();
    // A program that fails at once reads nothing; what it says matters, not that it does not take its input.
    let fed = async {
        let _ = child.stdin.write_all(contents).await;
        let _ = child.stdin.shutdown().await;
        drop(child.stdin);
    };
    let (_, heard) = tokio::join!(fed, child.stdout.read_to_end(&mut said));
    heard?;
    match child.exit.await? {
        Exit::Status(0) => Ok(()),
        _ => Err(told(&String::from_utf8_lossy(&said))),
    }
}

/// `lab: line 1: /etc/x: Permission denied`: the last part says why.
fn told(said: &str) -> io::Error {
    match said.trim().rsplit(": ").next().unwrap_or_default() {
        "Permission denied" => io::ErrorKind::PermissionDenied.into(),
        "No such file or directory" => io::ErrorKind::NotFound.into(),
        "" => io::Error::other("it was not written"),
        why => io::Error::other(why.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_file_is_not_written_is_understood() {
        assert_eq!(told("lab: line 1: /etc/x: Permission denied\n").kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(told("lab: line 1: a/b: No such file or directory\n").kind(), io::ErrorKind::NotFound);
        assert_eq!(
            told("cat: write error: No space left on device\n").to_string(),
            "no space left on device"
        );
        assert_eq!(told("").to_string(), "it was not written");
    }
}
