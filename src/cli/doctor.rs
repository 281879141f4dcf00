//! `lab doctor`: checks this machine for what `lab` needs, and says what to do about what is missing.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anstyle::{AnsiColor, Style};

use crate::cli::args::DoctorArgs;
use crate::cli::failure::{Failure, NEEDS};
use crate::cli::region::told;
use crate::output::say;
use crate::region::client::limits::{self, Mend, Room, Sight};
use crate::region::client::{Client, Paths};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// Programs that the local region uses, and Debian's package of each.
const PROGRAMS: [(&str, &str); 7] = [
    ("bash", "bash"),
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("systemd-nspawn", "systemd-container"),
    ("mmdebstrap", "mmdebstrap"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
];

/// The browser that makes pictures of pages, under the names that systems give it.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// With a font for the Japanese pages of the course.
const BROWSER_PACKAGES: [&str; 2] = ["chromium", "fonts-noto-cjk"];

struct Finding {
    what: String,
    /// What to do, where it is not as it should be.
    mend: Option<String>,
}

/// Checks; with `--fix`, installs missing packages first. Status 3 when something is missing.
pub async fn doctor(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    if args.fix {
        install_missing()?;
    }
    let mut findings = vec![kernel(), root()];
    findings.extend(PROGRAMS.iter().map(|(program, package)| self::program(program, package)));
    findings.extend([overlay(), address_space()]);
    findings.extend(daemon().await?);
    let mut missing = 0;
    for Finding { what, mend } in &findings {
        match mend {
            None => say!("{GOOD}ok{GOOD:#}       {what}"),
            Some(mend) => {
                missing += 1;
                say!("{BAD}missing{BAD:#}  {what}\n         hint: {mend}");
            }
        }
    }
    if let Some(optional) = browser_missing() {
        say!("{DIM}optional{DIM:#} {optional}");
    }
    if missing == 0 {
        say!("{DIM}everything that the local region needs is there{DIM:#}");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(NEEDS))
}

fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Administrators' programs are not in everybody's PATH.
    let beyond = ["/usr/sbin", "/sbin"].map(std::path::PathBuf::from);
    std::env::split_paths(&path).chain(beyond).map(|dir| dir.join(program)).find(|file| file.is_file())
}

fn program(program: &str, package: &str) -> Finding {
    match find(program) {
        Some(path) => Finding { what: format!("{program} ({})", path.display()), mend: None },
        None => Finding {
            what: program.to_owned(),
            mend: Some(format!("apt-get install {package}, or `lab doctor --fix`")),
        },
    }
}

fn kernel() -> Finding {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.trim();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let mend = (version < (5, 15)).then(|| "the local region needs Linux 5.15 or newer".to_owned());
    Finding { what: format!("Linux {release}"), mend }
}

fn root() -> Finding {
    if nix::unistd::Uid::effective().is_root() {
        return Finding { what: "rights: this is root".to_owned(), mend: None };
    }
    let sudo = find("sudo").is_some();
    Finding {
        what: "rights: the region's daemon is started by sudo".to_owned(),
        mend: (!sudo).then(|| "install sudo, or run lab as root".to_owned()),
    }
}

fn overlay() -> Finding {
    let known = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
    let there = known.lines().any(|line| line.ends_with("overlay"))
        || Path::new("/lib/modules").exists() && quiet("modprobe", &["-n", "overlay"]);
    Finding {
        what: "overlay file system".to_owned(),
        mend: (!there).then(|| "the kernel needs CONFIG_OVERLAY_FS".to_owned()),
    }
}

fn address_space() -> Finding {
    let free =
        nix::sys::statvfs::statvfs("/").map_or(0, |stat| stat.blocks_available() * stat.fragment_size());
    let gib = free >> 30;
    Finding {
        what: format!("{gib} GiB free on the disk"),
        mend: (gib < 3).then(|| "the image and the instances' disks need about 3 GiB".to_owned()),
    }
}

/// The daemon, and for how many instances this machine has room: in it, or in one that is started.
async fn daemon() -> Result<Vec<Finding>, Failure> {
    let paths = Paths::from_environment()?;
    let mut findings = Vec::new();
    match Client::connect(&paths).await {
        Ok(client) => {
            let status = client.status().await?;
            let what = format!("local region: running at {}", status.endpoint_url);
            findings.push(Finding { what, mend: None });
            findings.extend(status.room.map(|room| space(room, "more ")));
            findings.extend(status.raised.iter().map(|raised| Finding { what: told(raised), mend: None }));
        }
        Err(error) => {
            let what = format!("local region: {}", crate::cli::failure::chain(&error));
            findings.push(Finding { what, mend: None });
            let sight = Sight::of_host();
            findings.push(space(limits::room(&sight, 0, true), ""));
            for limit in limits::TABLE.iter().filter(|limit| limit.mend == Mend::Raise) {
                let value = sight.reading(limit).map(|reading| reading.value);
                if let Some(value) = value.filter(|value| *value < limit.wanted(1)) {
                    let (name, wanted) = (limit.name, limit.wanted(1));
                    let what = format!("{name} = {value} is raised to {wanted} while the local region runs");
                    findings.push(Finding { what, mend: None });
                }
            }
        }
    }
    Ok(findings)
}

/// Room for so few instances is not enough for a classroom.
const FEW: u64 = 20;

fn space(room: Room, more: &str) -> Finding {
    let what = format!("room for {} {more}instances, because of {}", room.instances, room.by);
    let hint = || room.hint.unwrap_or_else(|| "`lab down --all` makes room".to_owned());
    Finding { what, mend: (room.instances < FEW).then(hint) }
}

fn quiet(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// What to say of pictures when there is no browser, or none that can write Japanese.
pub fn browser_missing() -> Option<String> {
    let hint = format!("apt-get install {}, or `lab doctor --fix`", BROWSER_PACKAGES.join(" "));
    if BROWSERS.iter().all(|program| find(program).is_none()) {
        return Some(format!("Chromium: blocks with `screenshot` are skipped without it (hint: {hint})"));
    }
    (!writes_japanese()).then(|| format!("a Japanese font: pictures show boxes instead (hint: {hint})"))
}

/// Whether the system says that it has such a font; true where it cannot be asked.
fn writes_japanese() -> bool {
    let fonts = Command::new("fc-list").args([":lang=ja", "family"]).stdin(Stdio::null()).output();
    fonts.map_or(true, |fonts| !fonts.stdout.is_empty())
}

/// Installs the packages of missing programs, the browser among them.
pub fn install_missing() -> Result<(), Failure> {
    let mut packages: Vec<&str> =
        PROGRAMS.iter().filter(|(program, _)| find(program).is_none()).map(|(_, package)| *package).collect();
    if browser_missing().is_some() {
        packages.extend(BROWSER_PACKAGES);
    }
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    if find("apt-get").is_none() {
        return Err(Failure::needs(format!(
            "failed to install {}: this system has no apt-get",
            packages.join(", ")
        )));
    }
    let mut command = if nix::unistd::Uid::effective().is_root() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("apt-get");
        sudo
    };
    let status = command.args(["install", "-y", "--no-install-recommends"]).args(&packages).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::needs(format!("failed to install {}", packages.join(", ")))
            .hint("`apt-get update` first"))
    }
}
