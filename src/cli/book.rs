//! `lab book`: the lessons and their recorded results as a book.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use crate::book::{self, Served};
use crate::cli::args::BookVerb;
use crate::cli::course;
use crate::cli::failure::{Failure, chain};

/// Builds the book, or serves it and builds it again whenever a file changes.
pub async fn book(root: Option<&Path>, verb: BookVerb) -> Result<ExitCode, Failure> {
    let root = course::root(root, &[])?;
    match verb {
        BookVerb::Build { out } => {
            // mdBook's own types are bound to one thread.
            let built = tokio::task::spawn_blocking(move || book::build(&root, out.as_deref())).await??;
            anstream::println!("the book is in {}", built.display());
        }
        BookVerb::Serve { address } => serve(&root, address).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(root: &Path, address: SocketAddr) -> Result<(), Failure> {
    let serving = book::serve(root, address, |served| match served {
        Served::Listening(address) => {
            anstream::println!("the book is at http://{address}/ (end with Ctrl-C)")
        }
        Served::Built(took) => anstream::eprintln!("built again in {:.1} s", took.as_secs_f64()),
        Served::Failed(error) => anstream::eprintln!("failed to {}; the book is as it was", chain(&error)),
    });
    tokio::select! {
        result = serving => Ok(result?),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// `lab preprocess`: the preprocessor as mdBook calls it.
pub fn preprocess(arguments: &[String]) -> Result<ExitCode, Failure> {
    let yes = book::preprocess(arguments, std::io::stdin().lock(), std::io::stdout().lock())?;
    Ok(if yes { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
