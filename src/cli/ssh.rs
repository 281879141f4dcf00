//! `lab ssh HOST`: a login on an instance of the lab, by the key and the host key that the lessons use.

use std::process::ExitCode;
use std::sync::Arc;

use crate::cli::args::SshArgs;
use crate::cli::failure::Failure;
use crate::cli::interact::interact;
use crate::cli::{drive, open};
use crate::output::remark;
use crate::session::{LAPTOP, Program};

/// Logs in, or runs one command there.
pub async fn ssh(args: SshArgs) -> Result<ExitCode, Failure> {
    if args.host == LAPTOP {
        return Err(
            Failure::usage("failed to log in to the laptop by SSH: it has no SSH server").hint("`lab shell`")
        );
    }
    let sink = drive::aside(false);
    let mut opened = open::open_existing(&args.lab.lab, &sink).await?;
    opened.lab.state.by_hand = true;
    opened.lab.save()?;
    let mut pool = drive::pool(&opened);
    let host = Arc::clone(&pool.host(&args.host, args.via.as_deref()).await?);
    remark!("{}", host.command());
    // No program means the user's login shell.
    let argv = match args.command.as_slice() {
        [] => Vec::new(),
        command => vec!["bash".to_owned(), "-c".to_owned(), command.join(" ")],
    };
    let code = interact(&*host, Program { argv, ..Program::default() }).await;
    pool.close().await;
    code
}
