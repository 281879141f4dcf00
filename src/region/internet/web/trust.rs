//! What makes a Debian system trust the region's authority: files that are laid over its image.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sha1::{Digest, Sha1};

use super::authority::NAME;

const BUNDLE: &str = "etc/ssl/certs/ca-certificates.crt";

/// Writes into `directory` what `update-ca-certificates` would add to the system at `image`: the certificate where it
/// looks for more of them, in the bundle of all, and under the name by which OpenSSL looks for it. Nobody may use the
/// directory meanwhile.
pub(crate) fn lay(directory: &Path, image: &Path, certificate: &str) -> io::Result<()> {
    let bundle = match fs::read_to_string(image.join(BUNDLE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        bundle => bundle?,
    };
    let by_hash = format!("etc/ssl/certs/{:08x}.0", subject_hash(NAME));
    put(directory, "usr/local/share/ca-certificates/lab-region.crt", certificate)?;
    put(directory, &by_hash, certificate)?;
    put(directory, BUNDLE, &(bundle + certificate))
}

/// The directories above cover those of the image, so they have to look the same.
fn put(root: &Path, path: &str, content: &str) -> io::Result<()> {
    let mut place = root.to_owned();
    fs::create_dir_all(&place)?;
    fs::set_permissions(&place, Permissions::from_mode(0o755))?;
    let (directories, _) = path.rsplit_once('/').unwrap_or_default();
    for part in directories.split('/') {
        place.push(part);
        match fs::create_dir(&place) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => fs::set_permissions(&place, Permissions::from_mode(0o755))?,
        }
    }
    let file = root.join(path);
    fs::write(&file, content)?;
    fs::set_permissions(file, Permissions::from_mode(0o644))
}

/// The number by which OpenSSL finds a certificate whose subject is this common name and nothing else: the beginning
/// of the SHA-1 of the name's canonical form (`X509_NAME_hash`), which is in lower case and has no outer sequence.
fn subject_hash(common_name: &str) -> u32 {
    const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
    const UTF8: u8 = 0x0c;
    const SEQUENCE: u8 = 0x30;
    const SET: u8 = 0x31;
    let tagged = |tag: u8, content: &[u8]| {
        debug_assert!(content.len() < 0x80, "a short length");
        #[expect(clippy::cast_possible_truncation, reason = "names are short")]
        let mut bytes = vec![tag, content.len() as u8];
        bytes.extend_from_slice(content);
        bytes
    };
    let value = tagged(UTF8, common_name.to_lowercase().as_bytes());
    let canonical = tagged(SET, &tagged(SEQUENCE, &[&COMMON_NAME[..], &value].concat()));
    let digest = Sha1::digest(canonical);
    u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_openssls() {
        // openssl x509 -noout -subject_hash, of a self-signed certificate with -subj "/CN=lab region CA".
        assert_eq!(format!("{:08x}", subject_hash(NAME)), "8a292615");
    }

    #[test]
    fn the_bundle_grows_by_one() {
        let place = tempfile::tempdir().unwrap();
        let (image, additions) = (place.path().join("image"), place.path().join("additions"));
        fs::create_dir_all(image.join("etc/ssl/certs")).unwrap();
        fs::write(image.join(BUNDLE), "all others\n").unwrap();
        // A second start of the daemon finds the first one's files.
        for _ in 0..2 {
            lay(&additions, &image, "ours\n").unwrap();
            assert_eq!(fs::read_to_string(additions.join(BUNDLE)).unwrap(), "all others\nours\n");
        }
        assert_eq!(fs::metadata(additions.join("usr/local")).unwrap().permissions().mode() & 0o777, 0o755);
    }
}
