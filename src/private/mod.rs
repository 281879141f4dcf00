//! Files that are nobody else's business, and directories in which root is led nowhere.
//!
//! What `lab` keeps on disk holds secret keys, passwords that were typed, and addresses of sockets behind which
//! somebody's credentials work. All of it is made here: files are 0600, directories 0700, whatever the umask, and what an
//! older program has made wider is tightened when it is opened.
//!
//! [`Directory`] is for programs that run as root on behalf of a user: a descriptor of a directory, reached without
//! following a symbolic link, and everything that is done in it is done from there.

mod directory;
mod file;

pub use directory::Directory;
pub use file::{append, append_line, create_anew, directory, open, temporary};

/// The mode of files.
const FILE: u32 = 0o600;
/// The mode of directories.
const DIRECTORY: u32 = 0o700;
