//! WordPress's download site: the Japanese edition, made of Debian's own packages.
//!
//! Debian's tree differs from the project's own archive in three ways that are undone here: libraries are links into
//! other packages (they are put in their places), the configuration is Debian's (left out, the sample stays), and all
//! languages are in one package (one is taken). The bytes follow from the packages alone.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use tokio::process::Command;
use tokio::sync::Mutex;

use super::debian::{self, DebianError, Index, Package};
use super::store::{Store, partial, partial_name};

/// Raise it when something else is made of the same packages.
const RECIPE: u32 = 1;
const THEME: &str = "wordpress-theme-twentytwentyfive";
const PARTS: &[&str] = &["wordpress", "wordpress-l10n", THEME];
/// Where Debian has it.
const TREE: &str = "usr/share/wordpress";
/// Debian's own, and of no use elsewhere.
const LEFT_OUT: &[&str] = &[".htaccess", "wp-config.php"];
/// More links after each other lead in circles.
const LINKS: usize = 40;
/// Comes from the system that WordPress is installed on: its certificates are the ones that it should trust.
const CERTIFICATES: &str = "wp-includes/certificates/ca-bundle.crt";
const SYSTEM_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Why the archive is not there.
#[derive(Debug, thiserror::Error)]
pub(super) enum WordPressError {
    #[error(transparent)]
    Debian(#[from] DebianError),
    #[error("{doing} WordPress")]
    File {
        doing: &'static str,
        #[source]
        source: io::Error,
    },
}

/// What the site has at a path.
#[derive(Debug)]
pub(super) enum Answer {
    Page(String),
    Archive(PathBuf),
    Nothing,
}

/// Makes the archive when it is first asked for.
#[derive(Debug)]
pub(super) struct Maker {
    cache: PathBuf,
    /// The archive made from the packages of this version; held while one is made.
    made: Mutex<Option<Made>>,
}

#[derive(Debug, Clone)]
struct Made {
    /// `6.8.7`
    version: String,
    file: PathBuf,
}

impl Maker {
    pub(super) fn new(cache: PathBuf) -> Maker {
        Maker { cache, made: Mutex::new(None) }
    }

    /// Answers a request. The version is the one that the archive had when the daemon was first asked.
    pub(super) async fn get(&self, store: &Store, path: &str) -> Result<Answer, WordPressError> {
        if path != "/" && !path.ends_with("-ja.tar.gz") {
            return Ok(Answer::Nothing);
        }
        let made = self.ensure(store).await?;
        let named = format!("/wordpress-{}-ja.tar.gz", made.version);
        Ok(match path {
            "/" => Answer::Page(front_page(&made.version)),
            "/latest-ja.tar.gz" => Answer::Archive(made.file),
            path if path == named => Answer::Archive(made.file),
            _ => Answer::Nothing,
        })
    }

    async fn ensure(&self, store: &Store) -> Result<Made, WordPressError> {
        let mut made = self.made.lock().await;
        if let Some(made) = made.as_ref().filter(|made| made.file.exists()) {
            return Ok(made.clone());
        }
        let index = debian::index(store).await?;
        let wordpress = find(&index, "wordpress")?;
        let version = upstream(&wordpress.version).to_owned();
        // Of these characters only are versions in Debian; none leads to another directory.
        let file =
            self.cache.join("made").join(format!("wordpress-{}-{RECIPE}-ja.tar.gz", wordpress.version));
        if !file.exists() {
            self.make(store, &index, wordpress, &file).await?;
        }
        Ok(made.insert(Made { version, file }).clone())
    }

    async fn make(
        &self,
        store: &Store,
        index: &Index,
        wordpress: &Package,
        file: &Path,
    ) -> Result<(), WordPressError> {
        let place = partial(&self.cache).join(partial_name());
        let root = place.join("root");
        let failed = |doing| move |source| WordPressError::File { doing, source };
        fs::create_dir_all(&root).map_err(failed("unpack"))?;
        // Gone with this function, however it ends.
        let _place = Remove(&place);
        // Its libraries are in packages of their own.
        let libraries = wordpress.depends.iter().map(String::as_str);
        let libraries = libraries.filter(|name| name.starts_with("libjs-") || *name == "php-getid3");
        for name in PARTS.iter().copied().chain(libraries) {
            let package = debian::package(store, find(index, name)?).await?;
            debian::run("unpack a package", Command::new("dpkg-deb").arg("-x").arg(package).arg(&root))
                .await?;
        }
        let tree = place.join("wordpress");
        assemble(&root, &tree).map_err(failed("put together"))?;
        let time = fs::metadata(root.join(TREE).join("wp-load.php")).and_then(|file| file.modified());
        let time = time.map_err(failed("find the date of"))?.duration_since(std::time::UNIX_EPOCH);
        let time = time.map_or(0, |time| time.as_secs());
        let tar = place.join("wordpress.tar");
        let mut command = Command::new("tar");
        command.arg("--create").arg("--file").arg(&tar).arg("--directory").arg(&place);
        command.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--format=ustar"]);
        command.args(["--mode=u=rwX,go=rX", &format!("--mtime=@{time}"), "wordpress"]);
        debian::run("pack WordPress", &mut command).await?;
        debian::run("pack WordPress", Command::new("gzip").args(["--no-name", "-6"]).arg(&tar)).await?;
        if let Some(directory) = file.parent() {
            fs::create_dir_all(directory).map_err(failed("keep"))?;
        }
        fs::rename(place.join("wordpress.tar.gz"), file).map_err(failed("keep"))
    }
}

/// Removes a directory when it goes out of scope.
struct Remove<'a>(&'a Path);

impl Drop for Remove<'_> {
    fn drop(&mut self) {
        // What is left is swept away by a later daemon.
        let _ = fs::remove_dir_all(self.0);
    }
}

fn find<'a>(index: &'a Index, name: &str) -> Result<&'a Package, DebianError> {
    index.get(name).ok_or_else(|| DebianError::Wrong(format!("it has no package {name}")))
}

/// `6.8.7+dfsg1-0+deb13u1` is the project's 6.8.7.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, version)| version);
    version.split(['+', '-', '~']).next().unwrap_or(version)
}

/// Makes the project's tree of Debian's.
fn assemble(root: &Path, tree: &Path) -> io::Result<()> {
    copy(root, &root.join(TREE), tree, Path::new(""))?;
    let marker = tree.join("wp-includes/version.php");
    let mut version = fs::read_to_string(&marker)?;
    // Every localised edition carries its language here; the installer starts in it.
    version.push_str("\n$wp_local_package = 'ja';\n");
    fs::write(marker, version)
}

/// Copies a directory, links followed within `root`. `below` is where we are in the tree.
fn copy(root: &Path, from: &Path, to: &Path, below: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target, here) =
            (entry.path(), to.join(entry.file_name()), below.join(entry.file_name()));
        if is_left_out(&here) {
            continue;
        }
        if here == Path::new(CERTIFICATES) {
            symlink(SYSTEM_CERTIFICATES, target)?;
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(root, &source, &target, &here)?;
            continue;
        }
        let source = if kind.is_symlink() { followed(root, &source)? } else { source };
        fs::copy(source, target)?;
    }
    Ok(())
}

fn is_left_out(here: &Path) -> bool {
    let other_language = here.parent() == Some(Path::new("wp-content/languages"))
        && !here.file_stem().is_some_and(|name| {
            let name = name.to_string_lossy();
            name == "ja" || name.ends_with("-ja")
        });
    other_language || LEFT_OUT.iter().any(|name| here == Path::new(name))
}

/// Where a link leads, as if `root` were the whole file system: links on the way are followed, too, and none leads out.
fn followed(root: &Path, link: &Path) -> io::Result<PathBuf> {
    let lost = || io::Error::other(format!("{} does not lead to a file", link.display()));
    let mut place = PathBuf::new();
    // What is still to be walked, the next part last.
    let mut ahead = parts(link.strip_prefix(root).map_err(|_| lost())?);
    let mut links = 0;
    while let Some(part) = ahead.pop() {
        if part == ".." {
            place.pop();
            continue;
        }
        place.push(part);
        let here = root.join(&place);
        if here.symlink_metadata()?.is_symlink() {
            links += 1;
            if links > LINKS {
                return Err(lost());
            }
            let target = fs::read_link(here)?;
            if target.is_absolute() {
                place = PathBuf::new();
            } else {
                place.pop();
            }
            ahead.extend(parts(&target));
        }
    }
    let place = root.join(place);
    if place.is_file() { Ok(place) } else { Err(lost()) }
}

/// Names and `..` of a path, the first one last.
fn parts(path: &Path) -> Vec<OsString> {
    let mut parts: Vec<OsString> = path
        .components()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir))
        .map(|part| part.as_os_str().to_owned())
        .collect();
    parts.reverse();
    parts
}

fn front_page(version: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"ja\">\n<head>\n<meta charset=\"utf-8\">\n<title>日本語 — WordPress</title>\n</head>\n\
         <body>\n<h1>WordPress 日本語版</h1>\n<p><a href=\"/wordpress-{version}-ja.tar.gz\">WordPress {version} (tar.gz)</a></p>\n\
         </body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projects_version_is_in_debians() {
        assert_eq!(upstream("6.8.7+dfsg1-0+deb13u1"), "6.8.7");
        assert_eq!(upstream("1:6.9-1"), "6.9");
    }

    #[test]
    fn links_are_replaced_and_debians_own_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let (root, tree) = (directory.path().join("root"), directory.path().join("wordpress"));
        let file = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        file("usr/share/wordpress/wp-config.php", "Debian's");
        file("usr/share/wordpress/wp-config-sample.php", "sample");
        file("usr/share/wordpress/wp-includes/version.php", "<?php\n");
        file("usr/share/wordpress/wp-content/languages/admin-ja.mo", "ja");
        file("usr/share/wordpress/wp-content/languages/de_DE.mo", "de");
        file("usr/lib/lodash/lodash.js", "lodash");
        fs::create_dir_all(root.join("usr/share/javascript")).unwrap();
        symlink("/usr/lib/lodash", root.join("usr/share/javascript/lodash")).unwrap();
        fs::create_dir_all(root.join(TREE).join("wp-includes/certificates")).unwrap();
        symlink("/etc/ssl/certs/ca-certificates.crt", root.join(TREE).join(CERTIFICATES)).unwrap();
        fs::create_dir_all(root.join(TREE).join("wp-includes/js")).unwrap();
        symlink("../../../javascript/lodash/lodash.js", root.join(TREE).join("wp-includes/js/lodash.js"))
            .unwrap();
        assemble(&root, &tree).unwrap();
        let read = |path: &str| fs::read_to_string(tree.join(path)).ok();
        assert_eq!(read("wp-config.php"), None);
        assert_eq!(read("wp-config-sample.php").as_deref(), Some("sample"));
        assert_eq!(read("wp-content/languages/admin-ja.mo").as_deref(), Some("ja"));
        assert_eq!(read("wp-content/languages/de_DE.mo"), None);
        assert!(tree.join("wp-includes/js/lodash.js").symlink_metadata().unwrap().is_file());
        assert_eq!(read("wp-includes/js/lodash.js").as_deref(), Some("lodash"));
        assert_eq!(fs::read_link(tree.join(CERTIFICATES)).unwrap(), Path::new(SYSTEM_CERTIFICATES));
        assert_eq!(read("wp-includes/version.php").as_deref(), Some("<?php\n\n$wp_local_package = 'ja';\n"));
    }

    #[test]
    fn a_link_cannot_lead_out() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        symlink("../../../../../../etc/passwd", &link).unwrap();
        assert!(followed(directory.path(), &link).is_err());
    }
}
