//! A copy of the course in a directory of its own, for tests that change lessons or records and run `lab` on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use lab::region::client::{Paths, has_image};

/// Lets a cache of a test's own have the images and packages of another. Root follows no link in a user's directory, so
/// the links are in directories of root's own.
pub fn share(from: &Path, to: &Path) {
    share_parts(from, to, "packages", &["debian", "debian-security", "made", ".partial"]);
    share_images(from, to);
}

/// The images alone.
pub fn share_images(from: &Path, to: &Path) {
    let state = tempfile::tempdir().expect("a directory");
    if !has_image(&Paths { state: state.path().join("lab"), cache: from.to_owned() }) {
        // Once for all tests, and not by each for itself.
        for verb in ["start", "stop"] {
            let mut command = Command::new(LAB);
            command.args(["region", verb]).env("XDG_STATE_HOME", state.path());
            command.env("XDG_CACHE_HOME", from.parent().expect("a directory above"));
            assert!(command.status().expect("lab starts").success(), "the image cannot be built");
        }
    }
    let images = fs::read_dir(from.join("images")).into_iter().flatten().flatten();
    let names: Vec<_> = images.filter_map(|image| image.file_name().into_string().ok()).collect();
    let whole = names.iter().map(String::as_str);
    let whole = whole.filter(|name| !name.starts_with('.') && !name.ends_with(".lock"));
    share_parts(from, to, "images", &whole.collect::<Vec<_>>());
}

fn share_parts(from: &Path, to: &Path, directory: &str, parts: &[&str]) {
    // Before, it was a link as a whole, and some caches are kept from run to run.
    if to.join(directory).is_symlink() {
        fs::remove_file(to.join(directory)).expect("removed");
    }
    fs::create_dir_all(to.join(directory)).expect("a directory");
    for part in parts {
        let (there, link) = (from.join(directory).join(part), to.join(directory).join(part));
        fs::create_dir_all(&there).expect("a directory");
        if !link.exists() {
            std::os::unix::fs::symlink(there, link).expect("a link");
        }
    }
}

/// A local region of the test's own: directories that no other test and no person uses, but for the machine's image and
/// packages. Its daemon is stopped when it is dropped.
pub struct Region {
    state: PathBuf,
    /// Its own too, with its own checkpoints: what another run has kept must not make a test pass.
    cache: PathBuf,
    /// Where both are, unless somebody wants them kept.
    _directory: Option<tempfile::TempDir>,
}

impl Region {
    pub fn new() -> Arc<Self> {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path().to_owned();
        Self::within(&root, Some(directory))
    }

    /// One whose directories are kept, so that the next run of a test finds the same checkpoints.
    pub fn kept(root: &Path) -> Arc<Self> {
        Self::within(root, None)
    }

    fn within(root: &Path, directory: Option<tempfile::TempDir>) -> Arc<Self> {
        let region = Self { state: root.join("state"), cache: root.join("cache"), _directory: directory };
        let shared = Paths::from_environment().expect("a home directory").cache;
        fs::create_dir_all(region.cache()).expect("a directory");
        share(&shared, &region.cache());
        Arc::new(region)
    }

    /// Where this region's image and packages are found and its checkpoints are kept.
    pub fn cache(&self) -> PathBuf {
        self.cache.join("lab")
    }

    /// Where this region and its labs are kept.
    pub fn state(&self) -> PathBuf {
        self.state.join("lab")
    }

    /// A command that uses this region.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("XDG_STATE_HOME", &self.state)
            .env("XDG_CACHE_HOME", &self.cache)
            .stdin(std::process::Stdio::null());
        command
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        let _ = self.command(LAB).args(["region", "stop"]).output();
    }
}

const LAB: &str = env!("CARGO_BIN_EXE_lab");

/// A course that a test may change.
pub struct Course {
    directory: tempfile::TempDir,
    region: Arc<Region>,
}

impl Course {
    /// The committed lessons and snapshots.
    pub fn copy(region: &Arc<Region>) -> Self {
        let course =
            Self { directory: tempfile::tempdir().expect("a directory"), region: Arc::clone(region) };
        for part in ["lessons", "snapshots"] {
            let target = course.root().join(part);
            fs::create_dir_all(&target).expect("a directory");
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(part);
            for entry in fs::read_dir(source).expect("the course is there") {
                let path = entry.expect("readable").path();
                fs::copy(&path, target.join(path.file_name().expect("a name"))).expect("copied");
            }
        }
        course
    }

    /// A course of one lesson with this text.
    pub fn of(region: &Arc<Region>, id: &str, text: &str) -> Self {
        let course =
            Self { directory: tempfile::tempdir().expect("a directory"), region: Arc::clone(region) };
        let lessons = course.root().join("lessons");
        fs::create_dir_all(&lessons).expect("a directory");
        fs::write(lessons.join("SUMMARY.md"), format!("# Summary\n\n- [A lesson]({id}.md)\n"))
            .expect("written");
        fs::write(lessons.join(format!("{id}.md")), text).expect("written");
        course
    }

    /// Where its region is kept.
    pub fn state(&self) -> PathBuf {
        self.region.state()
    }

    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    pub fn lesson(&self, id: &str) -> PathBuf {
        self.root().join("lessons").join(format!("{id}.md"))
    }

    pub fn snapshot(&self, name: &str) -> PathBuf {
        self.root().join("snapshots").join(format!("{name}.snap"))
    }

    /// Replaces the one occurrence of `from` in the file by `to`.
    pub fn change(&self, file: &Path, from: &str, to: &str) {
        let text = fs::read_to_string(file).expect("readable");
        assert_eq!(text.matches(from).count(), 1, "`{from}` must stand once in {}", file.display());
        fs::write(file, text.replace(from, to)).expect("written");
    }

    /// `lab` in the course's directory. Records are never written.
    pub fn lab(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("lab starts")
    }

    /// The same, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.region.command(LAB);
        command.current_dir(self.root()).args(arguments).env("INSTA_UPDATE", "no").env("NO_COLOR", "1");
        command
    }
}

/// Both streams of a command as one text.
pub fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
