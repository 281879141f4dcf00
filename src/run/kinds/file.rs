//! `file=PATH`: the text of the block becomes a file on a host. What is recorded is that it was written.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tokio::time::timeout;

use super::{Did, INTERRUPTED, Stage};
use crate::lesson::File;
use crate::run::chain;
use crate::session;

pub(super) async fn run(stage: &mut Stage<'_>, file: &File) -> Result<Did, String> {
    let started = Instant::now();
    let (host, via) = (file.on.as_str(), file.via.as_ref().map(|via| via.as_str()));
    let shell = stage.pool.shell(host, via).await.map_err(|error| chain(&error))?;
    let path = located(&file.path, shell.state().directory());
    let machine = Arc::clone(shell.machine());
    let contents = stage.block.body.text.as_bytes();
    let writing = async {
        if file.on.is_laptop() {
            session::write_file(&*machine, &path, contents).await
        } else {
            let host = stage.pool.host(host, via).await.map_err(io::Error::other)?;
            host.write_file(&path, contents).await
        }
    };
    let failed = |why: &str| Err(format!("write {} on {}: {why}", file.path.display(), file.on));
    tokio::select! {
        written = timeout(stage.deadline, writing) => match written {
            Ok(Ok(())) => Ok(Did::printed("", started.elapsed())),
            Ok(Err(error)) => failed(&why(&error)),
            Err(_) => failed("it took too long"),
        },
        () = stage.interrupt.triggered() => Err(INTERRUPTED.to_owned()),
    }
}

/// The path as machines take it: absolute, or relative to the user's home.
fn located(path: &Path, directory: &str) -> String {
    if let Ok(in_home) = path.strip_prefix("~") {
        return in_home.to_string_lossy().into_owned();
    }
    // Before its first block, a shell stands in the home directory.
    Path::new(directory).join(path).to_string_lossy().into_owned()
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such directory".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "permission denied (write it to a file of the login user, then `sudo install` it)".to_owned()
        }
        _ => chain(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_at_the_root_the_shells_directory_or_home() {
        assert_eq!(located(Path::new("/etc/x"), "/srv"), "/etc/x");
        assert_eq!(located(Path::new("a/x"), "/srv"), "/srv/a/x");
        assert_eq!(located(Path::new("~/a/x"), "/srv"), "a/x");
        assert_eq!(located(Path::new("x"), ""), "x");
    }
}
