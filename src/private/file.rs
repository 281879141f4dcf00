//! Files and directories of the user who runs this program, for that user alone.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::Path;

use nix::unistd::Uid;
use tempfile::TempDir;

use super::{DIRECTORY, FILE};

/// Makes a directory, and what is missing above it, unless it is there. One that others may enter is closed to them.
///
/// # Errors
/// As the file system says, and for a directory of another user: what is written there would be that user's to read.
pub fn directory(path: &Path) -> io::Result<()> {
    // Those above, too: the XDG specification asks for it.
    DirBuilder::new().recursive(true).mode(DIRECTORY).create(path)?;
    let directory = File::open(path)?;
    let meta = directory.metadata()?;
    let own = Uid::effective().as_raw();
    if meta.uid() != own {
        let reason = format!("it belongs to user {}, and this runs as user {own}", meta.uid());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    }
    tighten(&directory, DIRECTORY)
}

/// Makes a directory in `place` that goes when the answer is dropped. Its name begins with `prefix`.
///
/// # Errors
/// As the file system says.
pub fn temporary(place: &Path, prefix: &str) -> io::Result<TempDir> {
    let mode = Permissions::from_mode(DIRECTORY);
    tempfile::Builder::new().prefix(prefix).permissions(mode).tempdir_in(place)
}

/// Opens a file to write at its end; makes it unless it is there.
///
/// # Errors
/// As the file system says.
pub fn append(path: &Path) -> io::Result<File> {
    open_with(OpenOptions::new().create(true).append(true), path)
}

/// Adds a line to a file of lines; makes the file unless it is there. A part of a line at the file's end, which a power cut
/// or a full disk has left, is taken away before: the new line must not become a part of it. `line` ends with its break.
///
/// # Errors
/// As the file system says; the file then has the lines that it had.
pub fn append_line(path: &Path, line: &[u8]) -> io::Result<File> {
    let mut file = open_with(OpenOptions::new().create(true).read(true).append(true), path)?;
    let whole = end_of_lines(&file)?;
    if file.metadata()?.len() > whole {
        file.set_len(whole)?;
    }
    match file.write_all(line) {
        Ok(()) => Ok(file),
        Err(error) => {
            // Where this fails, too, the next line sees to it.
            let _ = file.set_len(whole);
            Err(error)
        }
    }
}

/// Where the last line break of a file is behind.
fn end_of_lines(file: &File) -> io::Result<u64> {
    const PIECE: u64 = 64 << 10;
    let mut end = file.metadata()?.len();
    while end > 0 {
        let start = end.saturating_sub(PIECE);
        let mut piece = vec![0; usize::try_from(end - start).map_err(io::Error::other)?];
        file.read_exact_at(&mut piece, start)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Opens a file to write, as it is; makes it unless it is there.
///
/// # Errors
/// As the file system says.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(OpenOptions::new().create(true).truncate(false).read(true).write(true), path)
}

/// Makes a file that is new: what has the name goes, whatever it is, and no link that somebody puts there in between is
/// followed.
///
/// # Errors
/// As the file system says.
pub fn create_anew(path: &Path) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    open_with(OpenOptions::new().create_new(true).write(true), path)
}

fn open_with(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.mode(FILE).open(path)?;
    tighten(&file, FILE)?;
    Ok(file)
}

/// Takes from a file or directory what others may do, if it is ours.
fn tighten(file: &File, mode: u32) -> io::Result<()> {
    let meta = file.metadata()?;
    if meta.mode() & 0o777 == mode || meta.uid() != Uid::effective().as_raw() {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).expect("is there").mode() & 0o777
    }

    #[test]
    fn what_was_made_wide_is_tightened() {
        let place = tempfile::tempdir().expect("a directory");
        let (inside, file) = (place.path().join("a/b"), place.path().join("a/b/file"));
        fs::create_dir_all(&inside).expect("a directory");
        fs::write(&file, "one\n").expect("a file");
        fs::set_permissions(&inside, Permissions::from_mode(0o777)).expect("a mode");
        fs::set_permissions(&file, Permissions::from_mode(0o666)).expect("a mode");
        directory(&inside).expect("is ours");
        append(&file).expect("opens").write_all(b"two\n").expect("written");
        assert_eq!((mode(&inside), mode(&file)), (0o700, 0o600));
        assert_eq!(fs::read_to_string(&file).expect("read"), "one\ntwo\n");
        directory(&place.path().join("new/er")).expect("is made");
        assert_eq!((mode(&place.path().join("new")), mode(&place.path().join("new/er"))), (0o700, 0o700));
        open(&place.path().join("new/lock")).expect("is made");
        assert_eq!(mode(&place.path().join("new/lock")), 0o600);
    }

    #[test]
    fn a_line_becomes_no_part_of_one_that_is_torn() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("lines");
        append_line(&path, b"one\n").expect("appended");
        for torn in ["tw".to_owned(), "x".repeat(200_000)] {
            append(&path).expect("opens").write_all(torn.as_bytes()).expect("written");
            append_line(&path, b"next\n").expect("appended");
            append_line(&path, b"last\n").expect("appended");
        }
        assert_eq!(fs::read_to_string(&path).expect("read"), "one\nnext\nlast\nnext\nlast\n");
        fs::write(&path, "no line at all").expect("a file");
        append_line(&path, b"one\n").expect("appended");
        assert_eq!((fs::read_to_string(&path).expect("read").as_str(), mode(&path)), ("one\n", 0o600));
    }

    #[test]
    fn a_new_file_is_new_and_follows_no_link() {
        let place = tempfile::tempdir().expect("a directory");
        let (outside, link) = (place.path().join("outside"), place.path().join("link"));
        fs::write(&outside, "untouched").expect("a file");
        std::os::unix::fs::symlink(&outside, &link).expect("a link");
        create_anew(&link).expect("is made").write_all(b"new").expect("written");
        assert_eq!(fs::read_to_string(&outside).expect("read"), "untouched");
        assert_eq!((fs::read_to_string(&link).expect("read").as_str(), mode(&link)), ("new", 0o600));
    }

    #[test]
    fn a_directory_of_another_user_is_refused() {
        if !Uid::effective().is_root() {
            // Nobody else can give a directory away.
            return;
        }
        let place = tempfile::tempdir().expect("a directory");
        let other = place.path().join("other");
        fs::create_dir(&other).expect("a directory");
        std::os::unix::fs::chown(&other, Some(4242), Some(4242)).expect("given away");
        let error = directory(&other).expect_err("it is not ours");
        assert!(error.to_string().contains("belongs to user 4242"), "{error}");
    }
}
