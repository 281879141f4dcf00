//! The region's own certificate authority: made once for a cache directory, trusted by its guests and laptops alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

use crate::private;
use crate::region::tree::replace;

/// What the authority calls itself. `trust` derives the name of a file from it.
pub(super) const NAME: &str = "lab region CA";

/// How long a site's certificate is valid. They are made anew with each start of the daemon.
const SITE_DAYS: i64 = 397;
/// The same of the authority, which is trusted by disks that may be old.
const AUTHORITY_DAYS: i64 = 3650;

/// Something about certificates failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    /// The authority's files.
    #[error("{doing} {}", .path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A key or certificate could not be made or read.
    #[error("make a certificate for {subject}")]
    Certificate {
        subject: String,
        #[source]
        source: rcgen::Error,
    },
    /// A certificate that was made cannot be served.
    #[error("serve the certificate of {subject}")]
    Tls {
        subject: String,
        #[source]
        source: tokio_rustls::rustls::Error,
    },
}

/// The authority with its key.
pub(crate) struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key is nobody's business.
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// A certificate with its key, in DER.
pub(super) struct Signed {
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
}

impl Authority {
    /// The authority whose files are in `directory`, made if there are none.
    pub(crate) fn open(directory: &Path) -> Result<Authority, TrustError> {
        let file = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| TrustError::File { doing, path, source }
        };
        // Nobody else may become the authority.
        private::directory(directory).map_err(file("use", directory))?;
        // Of two daemons that start at the same time one is first.
        let lock = private::open(&directory.join("lock")).map_err(file("open the lock in", directory))?;
        lock.lock().map_err(file("lock", directory))?;
        let (key_file, certificate_file) = (directory.join("ca.key"), directory.join("ca.crt"));
        let failed = |source| TrustError::Certificate { subject: NAME.to_owned(), source };
        if let (Ok(key), Ok(certificate)) =
            (fs::read_to_string(&key_file), fs::read_to_string(&certificate_file))
        {
            // An older program has made it readable for all who come that far.
            private::open(&key_file).map_err(file("open", &key_file))?;
            let key = KeyPair::from_pem(&key).map_err(failed)?;
            return Ok(Authority { certificate, issuer: Issuer::new(parameters().map_err(failed)?, key) });
        }
        let key = KeyPair::generate().map_err(failed)?;
        let parameters = parameters().map_err(failed)?;
        let certificate = parameters.self_signed(&key).map_err(failed)?.pem();
        // The certificate last: without it there is no authority, and the next daemon makes another.
        for (path, text) in [(&key_file, &key.serialize_pem()), (&certificate_file, &certificate)] {
            replace(path, text.as_bytes()).map_err(file("write", path))?;
        }
        Ok(Authority { certificate, issuer: Issuer::new(parameters, key) })
    }

    /// The authority's certificate in PEM, for those who are to trust it.
    pub(crate) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A certificate for a site with these names.
    pub(super) fn sign(&self, names: &[&str]) -> Result<Signed, TrustError> {
        let subject = names.first().copied().unwrap_or_default();
        let failed = |source| TrustError::Certificate { subject: subject.to_owned(), source };
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut parameters = CertificateParams::new(names).map_err(failed)?;
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, subject);
        parameters.use_authority_key_identifier_extension = true;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        valid_for(&mut parameters, SITE_DAYS);
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = parameters.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(Signed { certificate: certificate.der().to_vec(), key: key.serialize_der() })
    }
}

/// What the authority's certificate says; the same whenever it is asked, but for the days.
fn parameters() -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, NAME);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid_for(&mut parameters, AUTHORITY_DAYS);
    Ok(parameters)
}

/// Valid from yesterday's midnight (UTC) for so many days. `rcgen` takes times of a crate that is not ours.
fn valid_for(parameters: &mut CertificateParams, days: i64) {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let midnight = |date: Date| {
        date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    parameters.not_before = midnight(today.saturating_sub(1.day()));
    parameters.not_after = midnight(today.saturating_add(days.days()));
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_authority_is_made_once_and_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let first = Authority::open(&directory.path().join("ca")).unwrap();
        let second = Authority::open(&directory.path().join("ca")).unwrap();
        assert_eq!(first.certificate(), second.certificate());
        assert!(first.certificate().starts_with("-----BEGIN CERTIFICATE-----\n"));
        let key = directory.path().join("ca/ca.key");
        assert!(fs::read_to_string(&key).unwrap().contains("PRIVATE KEY"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&directory.path().join("ca")), mode(&key)), (0o700, 0o600));
        // A daemon that was killed between the two files has made none.
        fs::remove_file(directory.path().join("ca/ca.crt")).unwrap();
        let third = Authority::open(&directory.path().join("ca")).unwrap();
        assert_ne!(third.certificate(), first.certificate());
        let fourth = Authority::open(&directory.path().join("ca")).unwrap();
        assert_eq!(fourth.certificate(), third.certificate());
    }
}
