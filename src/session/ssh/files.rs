//! Files on a host, by SFTP.

use std::io;
use std::time::Duration;

use russh::client::Msg;
use russh_sftp::client::SftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::StatusCode;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

/// How long the SFTP server may take until it answers.
const BEGINNING: Duration = Duration::from_secs(3);

/// Why a file was not written.
pub(super) enum Error {
    /// The server has no SFTP, or something else talks on its channel: a login shell that prints when it starts the SFTP
    /// server.
    NoSftp,
    /// The file cannot be written.
    File(io::Error),
}

/// Writes a whole file, and replaces the contents of one that is there. A relative path begins at the user's home.
pub(super) async fn write(channel: russh::Channel<Msg>, path: &str, contents: &[u8]) -> Result<(), Error> {
    let beginning = async {
        channel.request_subsystem(true, "sftp").await.map_err(|_| Error::NoSftp)?;
        SftpSession::new(channel.into_stream()).await.map_err(|_| Error::NoSftp)
    };
    let session = timeout(BEGINNING, beginning).await.unwrap_or(Err(Error::NoSftp))?;
    let written = async {
        let mut file = session.create(path).await.map_err(as_io)?;
        file.write_all(contents).await?;
        // The server's answers to the last writes come with these.
        file.flush().await?;
        file.shutdown().await
    }
    .await;
    // The file's fate is known; how the session ends changes nothing about it.
    let _ = session.close().await;
    written.map_err(Error::File)
}

/// SFTP says little: a code, and often the code's name again.
fn as_io(error: SftpError) -> io::Error {
    let SftpError::Status(status) = &error else { return io::Error::other(error) };
    let kind = match status.status_code {
        StatusCode::NoSuchFile => io::ErrorKind::NotFound,
        StatusCode::PermissionDenied => io::ErrorKind::PermissionDenied,
        _ => return io::Error::other(error),
    };
    io::Error::from(kind)
}
