//! What can be typed. Clap's types end here: everything else gets settings.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::name::Os;
use crate::run::CloudKind;

/// Runs tutorials for real, and proves that they still work.
#[derive(Debug, Parser)]
#[command(
    name = "lab",
    version,
    about = "Runs Markdown lessons for real against EC2 and over SSH, and verifies what they print",
    long_about = "Runs Markdown lessons for real: their blocks are executed against EC2 and, over SSH, on its instances, and what \
                  they print is compared with what was recorded. By default everything happens on a local region on this \
                  machine; `--cloud aws` runs the same lessons on AWS.",
    after_help = "Start with `lab run lessons/05-private-subnet.md`, watch it, then `lab ssh web` or `lab shell` to look around, \
                  and `lab down` to take everything away.\n\n\
                  Exit status: 0 all well, 1 a lesson failed or differs, 2 wrong usage or mistakes in lessons, 3 something that \
                  lab needs is not there, 4 something was left behind, 70 lab itself went wrong, 130 interrupted.",
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub verb: Verb,

    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Global options")]
    pub color: ColorWhen,

    /// The course's directory, which holds `lessons` and `snapshots` [default: found upwards from here]
    #[arg(short = 'C', long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub course: Option<PathBuf>,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run a lesson, after those that it builds on
    Run(RunArgs),
    /// Prove that lessons still do what is recorded, in a lab of their own
    Verify(VerifyArgs),
    /// Check lessons without running anything
    Lint(LintArgs),
    /// Test what the learner has built so far
    Check(CheckArgs),
    /// Accept or reject results that differ from what is recorded
    Review(ReviewArgs),
    /// Show labs, how far they are, and what runs in them
    Status(StatusArgs),
    /// Log in to a host of the lab
    Ssh(SshArgs),
    /// Open a shell on the lab's laptop
    Shell(LabArgs),
    /// Take away everything that a lab has created
    Down(DownArgs),
    /// Check this machine for what lab needs
    Doctor(DoctorArgs),
    /// Fetch and build everything that the course needs, so that it runs without a network
    Prepare(PrepareArgs),
    /// The lessons and their recorded results as a book
    #[command(subcommand)]
    Book(BookVerb),
    /// What mdBook calls: the preprocessor named in book.toml
    #[command(hide = true)]
    Preprocess {
        #[arg(value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
    /// The local region: start, stop, status, reset, env
    #[command(subcommand)]
    Region(RegionVerb),
}

/// Which lab.
#[derive(Debug, Clone, Args)]
pub struct LabArgs {
    /// Name of the lab
    #[arg(long, value_name = "NAME", default_value = "default", env = "LAB_NAME")]
    pub lab: String,
}

/// Where a lab runs.
#[derive(Debug, Clone, Args)]
pub struct PlaceArgs {
    /// The cloud behind the lab [default: local; a lab that exists keeps its own]
    #[arg(long, value_name = "CLOUD")]
    pub cloud: Option<CloudArg>,
    /// The region's name, such as ap-northeast-1 [default: us-east-1, or AWS's configuration with --cloud aws]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// The instances' operating system
    #[arg(long, value_name = "OS")]
    pub os: Option<OsArg>,
    /// Do not ask before anything is created on AWS
    #[arg(long, short = 'y')]
    pub yes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CloudArg {
    /// The region on this machine
    Local,
    /// AWS, with your credentials and at your cost
    Aws,
}

impl From<CloudArg> for CloudKind {
    fn from(arg: CloudArg) -> Self {
        match arg {
            CloudArg::Local => Self::Local,
            CloudArg::Aws => Self::Aws,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OsArg {
    /// Debian 13
    Debian,
    /// Amazon Linux 2023
    Al2023,
}

impl From<OsArg> for Os {
    fn from(arg: OsArg) -> Self {
        match arg {
            OsArg::Debian => Self::Debian,
            OsArg::Al2023 => Self::Al2023,
        }
    }
}

/// How a run is told.
#[derive(Debug, Clone, Args)]
pub struct TellArgs {
    /// Show commands and output also of the lessons that come before
    #[arg(long, short, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Show only failures, differences and the summary
    #[arg(long, short)]
    pub quiet: bool,
    /// A line for each lesson: for verbs that run lessons beside other things.
    #[arg(skip)]
    pub lessons: bool,
    /// How to write on standard output
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    pub format: FormatArg,
    /// Also write a JUnit report to this file
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// For people
    Terminal,
    /// Events, one JSON object a line
    Json,
    /// For people, with annotations for GitHub
    Github,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// Lessons: files (lessons/05-private-subnet.md) or ids (05-private-subnet)
    #[arg(required = true, value_name = "LESSON")]
    pub lessons: Vec<PathBuf>,
    #[command(flatten)]
    pub lab: LabArgs,
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Go back to before the first of these lessons, and run them again
    #[arg(long)]
    pub again: bool,
    /// Where a block had been cut short and cannot go on by itself: delete what it had made, and run it anew
    #[arg(long, conflicts_with = "again")]
    pub redo: bool,
    /// Ask before each block
    #[arg(long)]
    pub step: bool,
    /// Write results that are new or differ for `lab review`
    #[arg(long)]
    pub record: bool,
    #[command(flatten)]
    pub tell: TellArgs,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Lessons, files or ids [default: the whole course]
    #[arg(value_name = "LESSON")]
    pub lessons: Vec<PathBuf>,
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Run everything, whatever has not changed since the last time, and keep the states anew
    #[arg(long)]
    pub fresh: bool,
    /// End the run at the first block that is not as recorded
    #[arg(long)]
    pub fail_fast: bool,
    #[command(flatten)]
    pub tell: TellArgs,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Lessons, files or ids [default: those that this lab has begun]
    #[arg(value_name = "LESSON")]
    pub lessons: Vec<PathBuf>,
    #[command(flatten)]
    pub lab: LabArgs,
    #[command(flatten)]
    pub tell: TellArgs,
}

#[derive(Debug, Args)]
pub struct LintArgs {
    /// Lessons whose mistakes are shown [default: all]
    #[arg(value_name = "LESSON")]
    pub lessons: Vec<PathBuf>,
    /// How to write mistakes
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    pub format: LintFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    /// For people
    Terminal,
    /// A JSON array
    Json,
}

#[derive(Debug, Args)]
pub struct ReviewArgs {
    /// Results, such as 05-private-subnet__ping-db [default: all that wait]
    #[arg(value_name = "RESULT")]
    pub names: Vec<String>,
    /// Accept without asking
    #[arg(long, conflicts_with = "reject")]
    pub accept: bool,
    /// Reject without asking
    #[arg(long)]
    pub reject: bool,
    /// Only list what waits
    #[arg(long, conflicts_with_all = ["accept", "reject"])]
    pub list: bool,
    /// Remove recorded results that belong to no block any more
    #[arg(long, conflicts_with_all = ["accept", "reject", "list", "names"])]
    pub prune: bool,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Show only this lab
    #[arg(long, value_name = "NAME")]
    pub lab: Option<String>,
    /// Write JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct SshArgs {
    /// The Name tag of a running instance
    #[arg(value_name = "HOST")]
    pub host: String,
    /// The host to go through, for one without a public address
    #[arg(long, value_name = "HOST")]
    pub via: Option<String>,
    #[command(flatten)]
    pub lab: LabArgs,
    /// A command to run there instead of a login shell
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

#[derive(Debug, Args)]
pub struct DownArgs {
    #[command(flatten)]
    pub lab: LabArgs,
    /// All labs
    #[arg(long, conflicts_with = "lab")]
    pub all: bool,
    /// Give up after so many minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 30)]
    pub within: u64,
}

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Also install what is missing, with the system's package manager
    #[arg(long)]
    pub fix: bool,
}

#[derive(Debug, Args)]
pub struct PrepareArgs {
    /// Lessons, files or ids [default: the whole course]
    #[arg(value_name = "LESSON")]
    pub lessons: Vec<PathBuf>,
    /// Rehearse with what is there, and fetch nothing: proves that the course runs without a network
    #[arg(long)]
    pub offline: bool,
}

#[derive(Debug, Subcommand)]
pub enum RegionVerb {
    /// Start the region's daemon (other commands do it when they need it)
    Start,
    /// Stop it; instances boot again with the next start
    Stop,
    /// Show what runs in it
    Status {
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove all labs, disks and state of the region
    Reset {
        /// Also remove the checkpoints: states after lessons, kept for going on from them
        #[arg(long)]
        checkpoints: bool,
        /// Do not ask
        #[arg(long, short = 'y')]
        yes: bool,
    },
    /// Print variables for other programs: eval "$(lab region env)"
    Env {
        #[command(flatten)]
        lab: LabArgs,
        /// The region's name for a new lab
        #[arg(long, value_name = "REGION", default_value = "us-east-1")]
        region: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum BookVerb {
    /// Build the book (no mdbook program is needed)
    Build {
        /// Where to put it [default: target/book in the course]
        #[arg(long, short, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Serve the book, built again whenever a file changes
    Serve {
        /// Where to listen
        #[arg(long, short, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000")]
        address: std::net::SocketAddr,
    },
}
