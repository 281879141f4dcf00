//! Where this machine gets its packages from: read from its own package manager, never written down here.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::ImageError;

/// Release of the guests.
pub(crate) const RELEASE: &str = "trixie";

/// The archive to build from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Archive {
    /// `deb` lines for the guests' release.
    pub sources: Vec<String>,
    /// Options of the package manager that reaching the archive takes (proxy, certificates, login file).
    pub options: Vec<String>,
    /// Keyring file with Debian's archive keys.
    pub keyring: PathBuf,
}

const PACKAGES: &str = "Created-By: Packages";
const FORMAT: &str = "$(REPO_URI)|$(RELEASE)|$(ORIGIN)";
const FORMAT_UNKNOWN: &str = "$(REPO_URI)|$(RELEASE)|";

/// Ask the package manager.
pub(super) fn find() -> Result<Archive, ImageError> {
    let targets = targets()?;
    let dump = output(Command::new("apt-config").arg("dump"))?;
    let keyring = keyring().or_else(loose_keys).ok_or(ImageError::NoKeyring)?;
    let sources = sources(&targets, &keyring).ok_or(ImageError::NoArchive)?;
    let mut options = options(&dump);
    if Path::new("/etc/apt/auth.conf.d").exists() {
        options.push("Dir::Etc::netrcparts \"/etc/apt/auth.conf.d\"".to_owned());
    }
    Ok(Archive { sources, options, keyring })
}

/// Where files of Debian's two archives are asked for on behalf of guests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ArchiveBases {
    pub main: String,
    /// If this machine has none of its own, the one beside the main archive.
    pub security: String,
}

/// The archives that this machine's package manager uses.
pub(crate) fn archive_bases() -> Result<ArchiveBases, ImageError> {
    bases(&targets()?).ok_or(ImageError::NoArchive)
}

/// Debian's archive keys as one file.
pub(crate) fn keyring() -> Option<PathBuf> {
    Some(PathBuf::from("/usr/share/keyrings/debian-archive-keyring.gpg")).filter(|path| path.exists())
}

fn loose_keys() -> Option<PathBuf> {
    Some(PathBuf::from("/etc/apt/trusted.gpg.d")).filter(|path| path.exists())
}

fn targets() -> Result<String, ImageError> {
    let ask = |options: &[&str], format: &str| {
        output(Command::new("apt-get").arg("indextargets").args(options).args(["--format", format, PACKAGES]))
    };
    let known = ask(&[], FORMAT)?;
    // A machine that has not updated yet, or has thrown its lists away, knows where its archives are and no more.
    if known.trim().is_empty() { ask(&["--no-release-info"], FORMAT_UNKNOWN) } else { Ok(known) }
}

fn output(command: &mut Command) -> Result<String, ImageError> {
    let output = command.env("LC_ALL", "C").output().map_err(|source| ImageError::Program {
        program: "apt-get",
        package: "apt",
        source,
    })?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The same archives as this machine's, for the guests' release. The main archive is needed; updates come from it
/// too; security fixes only if this machine has an archive of them.
fn sources(targets: &str, keyring: &Path) -> Option<Vec<String>> {
    let rows = rows(targets);
    let main = main(&rows)?;
    let line =
        |uri: &str, release: &str| format!("deb [signed-by={}] {uri} {release} main", keyring.display());
    let mut lines = vec![line(main, RELEASE), line(main, &format!("{RELEASE}-updates"))];
    lines.extend(security(&rows).map(|uri| line(uri, &format!("{RELEASE}-security"))));
    Some(lines)
}

fn bases(targets: &str) -> Option<ArchiveBases> {
    let rows = rows(targets);
    let main = main(&rows)?.trim_end_matches('/').to_owned();
    let beside = || format!("{main}-security");
    let security = security(&rows).map_or_else(beside, |uri| uri.trim_end_matches('/').to_owned());
    Some(ArchiveBases { main, security })
}

fn main<'a>(rows: &[(&'a str, &str)]) -> Option<&'a str> {
    rows.iter().find(|(_, release)| !release.contains(['-', '/'])).map(|(uri, _)| *uri)
}

fn security<'a>(rows: &[(&'a str, &str)]) -> Option<&'a str> {
    rows.iter().find(|(_, release)| release.ends_with("-security")).map(|(uri, _)| *uri)
}

/// Address and release of each of Debian's archives in the package manager's list.
fn rows(targets: &str) -> Vec<(&str, &str)> {
    targets
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('|');
            let (uri, release, origin) = (fields.next()?, fields.next()?, fields.next()?);
            // The origin stands in the archive's index, which a machine that never updated does not have yet.
            let debian = origin == "Debian" || origin.starts_with('$') || origin.is_empty();
            (debian && uri.contains("debian")).then_some((uri, release))
        })
        .collect()
}

/// The machine's own settings for reaching archives, as `mmdebstrap --aptopt` takes them.
fn options(dump: &str) -> Vec<String> {
    dump.lines()
        .filter(|line| line.starts_with("Acquire::http") && !line.contains(" \"\""))
        .map(|line| line.trim_end_matches(';').to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGETS: &str = "http://one.example/debian-security/|bookworm-security|Debian\n\
                           http://two.example/other/|bookworm|Somebody\n\
                           http://one.example/debian/|bookworm-updates|Debian\n\
                           http://one.example/debian/|bookworm|Debian\n";

    #[test]
    fn the_guests_release_comes_from_the_machines_archives() {
        let lines = sources(TARGETS, Path::new("/k.gpg")).expect("there is an archive");
        assert_eq!(
            lines,
            [
                "deb [signed-by=/k.gpg] http://one.example/debian/ trixie main",
                "deb [signed-by=/k.gpg] http://one.example/debian/ trixie-updates main",
                "deb [signed-by=/k.gpg] http://one.example/debian-security/ trixie-security main",
            ]
        );
    }

    #[test]
    fn without_security_archive_there_is_no_security_line() {
        let lines =
            sources("http://one.example/debian/|bookworm|$(ORIGIN)\n", Path::new("/k")).expect("an archive");
        assert_eq!(lines.len(), 2);
        assert_eq!(sources("http://two.example/ubuntu/|noble|Ubuntu\n", Path::new("/k")), None);
    }

    #[test]
    fn guests_are_served_from_the_same_archives() {
        let found = |main: &str, security: &str| {
            Some(ArchiveBases { main: main.to_owned(), security: security.to_owned() })
        };
        let here = "http://one.example/debian";
        assert_eq!(bases(TARGETS), found(here, "http://one.example/debian-security"));
        assert_eq!(
            bases("http://one.example/debian/|bookworm|Debian\n"),
            found(here, "http://one.example/debian-security")
        );
        assert_eq!(bases(""), None);
    }

    #[test]
    fn proxies_are_kept_and_empty_settings_are_not() {
        let dump =
            "Acquire::http \"\";\nAcquire::http::Proxy \"http://proxy.example:3128\";\nAPT::Get \"1\";\n";
        assert_eq!(options(dump), ["Acquire::http::Proxy \"http://proxy.example:3128\""]);
    }
}
