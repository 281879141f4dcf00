//! The cache of images, and the build.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::mount::MsFlags;
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::Signal;

use super::archive::{self, RELEASE};
use super::meter::Meter;
use super::{ImageError, customise, recipe};
use crate::private::Directory;
use crate::region::client::Progress;
use crate::region::kernel::Detached;

/// A finished image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Names the image and everything that was made from it.
    pub key: String,
    /// Root directory of the system; the lower layer of every guest.
    pub root: PathBuf,
}

/// Where the builder, and nobody else, sees the images: a directory that every system has and no program relies upon.
const PLACE: &str = "/mnt";

/// How much of a failed build's output is told.
const LAST_LINES: usize = 12;

/// The guest image below `images`, if it has been built.
pub fn cached(images: &Path) -> Option<Image> {
    let key = recipe::key();
    let root = images.join(&key).join("root");
    root.exists().then_some(Image { key, root })
}

/// The guest image, from the cache in this directory or freshly built.
///
/// # Errors
/// When a tool is missing, the archive cannot be reached or its signature cannot be verified.
pub fn ensure(directory: &Directory, progress: &mut dyn FnMut(Progress)) -> Result<Image, ImageError> {
    let key = recipe::key();
    let images = directory.inside();
    let place = images.join(&key);
    let image = Image { root: place.join("root"), key };
    if image.root.exists() {
        progress(Progress::ImageReady { size_mib: size_mib(&place), built_in_s: None });
        return Ok(image);
    }
    let _lock = lock(&images.join(format!("{}.lock", image.key)), progress)?;
    if image.root.exists() {
        progress(Progress::ImageReady { size_mib: size_mib(&place), built_in_s: None });
        return Ok(image);
    }
    let begun = Instant::now();
    let name = format!(".{}.building", image.key);
    let building = images.join(&name);
    // Left by a build that was killed; we hold its lock now.
    if building.exists() {
        fs::remove_dir_all(&building).map_err(ImageError::file("remove", &building))?;
    }
    fs::create_dir_all(&building).map_err(ImageError::file("create", &building))?;
    let root = building.join("root");
    let made =
        bootstrap(directory, &name, progress).and_then(|()| customise::customise(&root)).and_then(|()| {
            let size = disk_usage(&root);
            fs::write(building.join("size-mib"), size.to_string())
                .map_err(ImageError::file("write", &building))
        });
    if let Err(error) = made {
        // The error matters more than the directory, which the next build removes.
        let _ = fs::remove_dir_all(&building);
        return Err(error);
    }
    fs::rename(&building, &place).map_err(ImageError::file("rename", &building))?;
    progress(Progress::ImageReady {
        size_mib: size_mib(&place),
        built_in_s: Some(begun.elapsed().as_secs()),
    });
    Ok(image)
}

/// Hold the lock of one image until the returned file is closed.
fn lock(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<File, ImageError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(ImageError::file("open", path))?;
    if file.try_lock().is_err() {
        progress(Progress::WaitingForImage);
        file.lock().map_err(ImageError::file("lock", path))?;
    }
    Ok(file)
}

/// Bootstraps the system `root` in the directory `building` of the images.
fn bootstrap(
    images: &Directory,
    building: &str,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), ImageError> {
    let archive = archive::find()?;
    // By a path of its own that nobody but root can change: the one on the host leads through a user's directories.
    let root = Path::new(PLACE).join(building).join("root");
    let mount = Detached::of(images).map_err(ImageError::file("take", images.path()))?;
    // In a process namespace of its own: when we are killed, apt and dpkg do not go on without us.
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "mmdebstrap"]);
    command.args(["--verbose", "--variant=minbase", "--mode=root", "--format=directory"]);
    command.arg(format!("--include={}", recipe::PACKAGES.join(",")));
    command.arg(format!("--keyring={}", archive.keyring.display()));
    command.arg("--aptopt=APT::Install-Recommends \"false\"");
    command.args(archive.options.iter().map(|option| format!("--aptopt={option}")));
    command.args(recipe::EXCLUDED.iter().map(|path| format!("--dpkgopt=path-exclude={path}")));
    command.arg("--dpkgopt=force-unsafe-io");
    command.arg(RELEASE).arg(&root).args(&archive.sources);
    command.env("LC_ALL", "C.UTF-8").env("PATH", crate::region::tree::PATH).env_remove("TMPDIR");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    // SAFETY: system calls between fork and exec, in a process that has one thread.
    unsafe {
        command.pre_exec(move || {
            // What it mounts is nobody else's business, and it must not outlive us.
            prctl::set_pdeathsig(Signal::SIGKILL)?;
            unshare(CloneFlags::CLONE_NEWNS)?;
            let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
            nix::mount::mount(None::<&str>, "/", None::<&str>, private, None::<&str>)?;
            mount.attach(Path::new(PLACE))
        });
    }
    let mut child = command.spawn().map_err(|source| ImageError::Program {
        program: "mmdebstrap",
        package: "mmdebstrap",
        source,
    })?;
    let mut meter = Meter::default();
    let mut last = VecDeque::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            let line = line.trim();
            meter.line(line).map(&mut *progress);
            if !line.is_empty() {
                last.push_back(line.to_owned());
            }
            if last.len() > LAST_LINES {
                last.pop_front();
            }
        }
    }
    let status = child.wait().map_err(ImageError::file("build", images.path()))?;
    if status.success() {
        Ok(())
    } else {
        Err(ImageError::Build { reason: format!("{status}: {}", Vec::from(last).join(" / ")) })
    }
}

fn size_mib(place: &Path) -> u64 {
    fs::read_to_string(place.join("size-mib")).ok().and_then(|size| size.trim().parse().ok()).unwrap_or(0)
}

/// Space on disk in MiB.
fn disk_usage(root: &Path) -> u64 {
    let output = Command::new("du").args(["-sxm"]).arg(root).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.split_whitespace().next().and_then(|size| size.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_second_builder_says_that_it_waits_and_goes_on_after_the_first() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("image.lock");
        let first = lock(&path, &mut |_| ()).expect("lock");
        let (said, heard) = channel();
        let second = std::thread::spawn(move || {
            lock(&path, &mut |progress| said.send(Some(progress)).expect("listening")).expect("lock");
            said.send(None).expect("listening");
        });
        let patience = Duration::from_secs(10);
        assert_eq!(heard.recv_timeout(patience), Ok(Some(Progress::WaitingForImage)));
        assert!(heard.try_recv().is_err(), "it has the lock while we hold it");
        drop(first);
        assert_eq!(heard.recv_timeout(patience), Ok(None));
        second.join().expect("no panic");
    }
}
