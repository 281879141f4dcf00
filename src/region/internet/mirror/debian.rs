//! Debian's index of packages, believed only with Debian's signature.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use sha2::{Digest, Sha256};
use tokio::process::Command;

use super::path::ArchivePath;
use super::store::{Miss, Store};
use crate::region::image::{RELEASE, archive_keyring};

/// Why a package cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum DebianError {
    #[error("fetch {path}")]
    Fetch {
        path: String,
        #[source]
        source: Miss,
    },
    /// A program of the machine did not do its work.
    #[error("{doing}: {reason}")]
    Program { doing: String, reason: String },
    /// The archive is not as it should be: a file with another hash, an index without a package.
    #[error("believe the archive: {0}")]
    Wrong(String),
}

/// A package as the index describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    pub version: String,
    pub depends: Vec<String>,
    filename: String,
    sha256: String,
}

/// Packages by name.
pub(super) type Index = BTreeMap<String, Package>;

/// The index of the guests' release.
pub(super) async fn index(store: &Store) -> Result<Index, DebianError> {
    let release = fetch(store, &format!("debian/dists/{RELEASE}/InRelease")).await?;
    let keyring = archive_keyring()
        .ok_or_else(|| DebianError::Wrong("this machine has none of its keys".to_owned()))?;
    let mut verify = Command::new("gpgv");
    verify.arg("--quiet").arg("--keyring").arg(keyring).args(["--output", "-"]).arg(release);
    let release = run("verify Debian's signature", &mut verify).await?;
    let directory = "main/binary-amd64";
    let name = format!("{directory}/Packages.gz");
    let hash = sha256_of(&String::from_utf8_lossy(&release), &name)
        .ok_or_else(|| DebianError::Wrong(format!("it has no {name}")))?;
    let path = format!("debian/dists/{RELEASE}/{directory}/by-hash/SHA256/{hash}");
    let packed = fetch_verified(store, &path, &hash).await?;
    let text = run("unpack Debian's index", Command::new("gzip").arg("-dc").arg(packed)).await?;
    Ok(parse(&String::from_utf8_lossy(&text)))
}

/// A package's file.
pub(super) async fn package(store: &Store, package: &Package) -> Result<PathBuf, DebianError> {
    fetch_verified(store, &format!("debian/{}", package.filename), &package.sha256).await
}

async fn fetch(store: &Store, path: &str) -> Result<PathBuf, DebianError> {
    let parsed = ArchivePath::parse(path).ok_or_else(|| DebianError::Wrong(format!("{path} is no path")))?;
    store.get(&parsed).await.map_err(|source| DebianError::Fetch { path: path.to_owned(), source })
}

async fn fetch_verified(store: &Store, path: &str, sha256: &str) -> Result<PathBuf, DebianError> {
    let file = fetch(store, path).await?;
    let content = tokio::fs::read(&file)
        .await
        .map_err(|error| DebianError::Program { doing: format!("read {path}"), reason: error.to_string() })?;
    let actual: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    if actual == sha256 { Ok(file) } else { Err(DebianError::Wrong(format!("{path} has another hash"))) }
}

/// Runs a program to its end and gives what it printed.
pub(super) async fn run(doing: &str, command: &mut Command) -> Result<Vec<u8>, DebianError> {
    let failed = |reason: String| DebianError::Program { doing: doing.to_owned(), reason };
    command.env("LC_ALL", "C").stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| {
        failed(format!("{}: {error}", Path::new(command.as_std().get_program()).display()))
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().replace('\n', " / ")))
}

/// The hash of a file in the `SHA256:` part of a release file.
fn sha256_of(release: &str, name: &str) -> Option<String> {
    let part = release.lines().skip_while(|line| *line != "SHA256:").skip(1);
    let mut files = part.take_while(|line| line.starts_with(' ')).filter_map(|line| {
        let mut fields = line.split_whitespace();
        Some((fields.next()?, fields.nth(1)?))
    });
    let (hash, _) = files.find(|(_, own)| *own == name)?;
    hash.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| hash.to_owned())
}

fn parse(index: &str) -> Index {
    index.split("\n\n").filter_map(stanza).collect()
}

fn stanza(text: &str) -> Option<(String, Package)> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let depends = field("Depends").unwrap_or_default();
    // Of alternatives the first; without the versions that are asked for.
    let depends = depends.split(',').filter_map(|item| item.split(['|', '(', ':']).next());
    let depends = depends.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    let package = Package {
        version: field("Version")?.to_owned(),
        depends,
        filename: field("Filename")?.to_owned(),
        sha256: field("SHA256")?.to_owned(),
    };
    Some((field("Package")?.to_owned(), package))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_file_vouches_for_the_index() {
        let release = "Origin: Debian\nMD5Sum:\n 00 5 main/binary-amd64/Packages.gz\nSHA256:\n \
                       aa 5 main/binary-amd64/Packages\n bb 5 main/binary-amd64/Packages.gz\nSHA512:\n \
                       cc 5 main/binary-amd64/Packages.xz\n";
        assert_eq!(sha256_of(release, "main/binary-amd64/Packages.gz").as_deref(), Some("bb"));
        assert_eq!(sha256_of(release, "main/binary-amd64/Packages.xz"), None);
    }

    #[test]
    fn packages_have_names_versions_and_what_they_need() {
        let index = "Package: a\nVersion: 1.2+dfsg1-1\nDepends: b | c, d (>= 2), e:any\nFilename: pool/a.deb\nSHA256: 00\n\n\
                     Package: broken\nVersion: 1\n\nPackage: b\nVersion: 1\nFilename: pool/b.deb\nSHA256: 11\n";
        let index = parse(index);
        assert_eq!(index.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(index["a"].version, "1.2+dfsg1-1");
        assert_eq!(index["a"].depends, ["b", "d", "e"]);
    }
}
