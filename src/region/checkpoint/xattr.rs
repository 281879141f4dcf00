//! The mark by which an overlay knows that nothing below a directory shows through.

use std::ffi::{CStr, CString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use nix::libc;

const OPAQUE: &CStr = c"trusted.overlay.opaque";

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other)
}

/// Whether a directory is opaque. One whose file system has no such marks is not.
pub(super) fn is_opaque(path: &Path) -> io::Result<bool> {
    let path = c_path(path)?;
    let mut value = [0u8; 4];
    // SAFETY: both strings end with zero, and the buffer is as long as it is said to be.
    let length =
        unsafe { libc::lgetxattr(path.as_ptr(), OPAQUE.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
    match length {
        1 => Ok(value[0] == b'y'),
        0.. => Ok(false),
        _ => match io::Error::last_os_error() {
            error if matches!(error.raw_os_error(), Some(libc::ENODATA | libc::EOPNOTSUPP)) => Ok(false),
            error => Err(error),
        },
    }
}

/// Let nothing below show through.
pub(super) fn set_opaque(path: &Path) -> io::Result<()> {
    let path = c_path(path)?;
    // SAFETY: both strings end with zero, and the value has one byte.
    done(unsafe { libc::lsetxattr(path.as_ptr(), OPAQUE.as_ptr(), c"y".as_ptr().cast(), 1, 0) })
}

/// Let what is below show through.
pub(super) fn clear_opaque(path: &Path) -> io::Result<()> {
    let path = c_path(path)?;
    // SAFETY: both strings end with zero.
    done(unsafe { libc::lremovexattr(path.as_ptr(), OPAQUE.as_ptr()) })
}

fn done(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
