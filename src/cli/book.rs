//! `lab book`: the lessons and their recorded results as a book.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use crate::book::{self, BookError, Served};
use crate::cli::args::BookVerb;
use crate::cli::course;
use crate::cli::failure::{Failure, chain};
use crate::output::{self, remark, say};

/// Builds the book, or serves it and builds it again whenever a file changes.
pub async fn book(root: Option<&Path>, verb: BookVerb) -> Result<ExitCode, Failure> {
    let root = course::root(root, &[])?;
    match verb {
        BookVerb::Build { out } => {
            // mdBook's own types are bound to one thread.
            let built = tokio::task::spawn_blocking(move || book::build(&root, out.as_deref())).await?;
            let built = built.map_err(failure)?;
            say!("the book is in {}", built.display());
        }
        BookVerb::Serve { address } => serve(&root, address).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(root: &Path, address: SocketAddr) -> Result<(), Failure> {
    let serving = book::serve(root, address, |served| match served {
        Served::Listening(address) => {
            say!("the book is at http://{address}/ (end with Ctrl-C)")
        }
        Served::Built(took) => remark!("built again in {:.1} s", took.as_secs_f64()),
        Served::Failed(error) => {
            remark!("the book is as it was: failed to {}", chain(&error).trim_end())
        }
    });
    tokio::select! {
        result = serving => result.map_err(failure),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

fn failure(error: BookError) -> Failure {
    match &error {
        // The text ends with a line.
        BookError::Lessons(_) => Failure::usage(format!("failed to {}", chain(&error).trim_end())),
        BookError::Listen { source, .. } if source.kind() == ErrorKind::AddrInUse => Failure::failed(&error)
            .hint("another port, say `--address 127.0.0.1:3001`; port 0 takes one that is free"),
        _ => Failure::failed(&error),
    }
}

/// `lab preprocess`: the preprocessor as mdBook calls it.
pub fn preprocess(arguments: &[String]) -> Result<ExitCode, Failure> {
    let yes = book::preprocess(arguments, std::io::stdin().lock(), output::plain())?;
    Ok(if yes { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
