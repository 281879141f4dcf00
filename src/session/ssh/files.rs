//! Files on a host, by SFTP.

use std::io;
use std::sync::Arc;

use russh_sftp::client::SftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::StatusCode;
use tokio::io::AsyncWriteExt as _;

use super::connection::Connection;

/// Writes a whole file, and replaces the contents of one that is there. A relative path begins at the user's home.
pub(super) async fn write(connection: Arc<Connection>, path: &str, contents: &[u8]) -> io::Result<()> {
    let channel = connection.session().await.map_err(io::Error::other)?;
    channel.request_subsystem(true, "sftp").await.map_err(io::Error::other)?;
    let session = SftpSession::new(channel.into_stream()).await.map_err(as_io)?;
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
    written
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
