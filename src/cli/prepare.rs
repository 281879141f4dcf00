//! `lab prepare`: everything that the course needs comes onto this machine, so that a classroom can do without a
//! network. What is needed is found by running the course: a list beside it would be wrong one day.

use std::path::Path;
use std::process::ExitCode;

use crate::cli::args::{FormatArg, PlaceArgs, PrepareArgs, TellArgs, VerifyArgs};
use crate::cli::failure::Failure;
use crate::cli::{doctor, drive, open, verify};
use crate::output::{self, say};
use crate::region::client::{Paths, has_image};
use crate::report::{Detail, Seen, Terminal};

/// Programs, the image, and one rehearsal of the lessons, which fetches their packages. With `--offline` nothing is
/// fetched: the rehearsal shows that nothing need be. Status as of `lab verify`; 3 where not even the image is there.
pub async fn prepare(root: Option<&Path>, args: PrepareArgs) -> Result<ExitCode, Failure> {
    let paths = Paths::from_environment()?;
    if !args.offline {
        doctor::install_missing()?;
    } else if !has_image(&paths) {
        // The region would build it, from the archive, before anybody could tell it to do without a network.
        return Err(Failure::needs(
            "failed to rehearse without a network: the instances' image is not built yet",
        )
        .hint("`lab prepare` builds it, while there is a network"));
    }
    if let Some(missing) = doctor::browser_missing() {
        say!("warning: {missing}");
    }
    use std::io::IsTerminal as _;
    let sink = drive::masked(Terminal::new(
        Seen::new(output::stdout()),
        Detail::Lessons,
        std::io::stdout().is_terminal(),
    ));
    // Builds the image when there is none yet, and says how far it is.
    let client = open::start_region(&paths, &sink).await?;
    let offline = if args.offline { Some(client.offline().await?) } else { None };
    say!("{}", if args.offline { "rehearsing without a network" } else { "rehearsing the course" });
    let code = verify::verify(root, rehearsal(args.lessons)).await?;
    drop(offline);
    if code == ExitCode::SUCCESS {
        let mib = |directory: &Path| size(directory).unwrap_or_default() >> 20;
        say!(
            "{}: image {} MiB, packages {} MiB",
            if args.offline { "runs without a network" } else { "ready; `lab prepare --offline` proves it" },
            mib(&paths.images()),
            mib(&paths.packages()),
        );
    } else if args.offline {
        say!("what is missing is fetched by `lab prepare`, while there is a network");
    }
    Ok(code)
}

fn rehearsal(lessons: Vec<std::path::PathBuf>) -> VerifyArgs {
    VerifyArgs {
        lessons,
        place: PlaceArgs {
            cloud: Some(crate::cli::args::CloudArg::Local),
            region: None,
            os: None,
            yes: false,
        },
        fresh: true,
        fail_fast: false,
        tell: TellArgs {
            verbose: false,
            quiet: false,
            lessons: true,
            format: FormatArg::Terminal,
            junit: None,
        },
    }
}

/// Bytes of the files below a directory.
fn size(directory: &Path) -> std::io::Result<u64> {
    let mut total = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            total += size(&entry.path())?;
        } else if kind.is_file() {
            total += entry.metadata()?.len();
        }
    }
    Ok(total)
}
