//! The host keys of a new instance.

use ssh_key::{Algorithm, EcdsaCurve, LineEnding, PrivateKey};

/// One key pair, as the SSH server's files hold it.
pub(super) struct HostKey {
    /// The word in the files' names: `ed25519`.
    pub name: &'static str,
    pub private: String,
    pub public: String,
}

/// A new pair of each kind that takes no time to make. RSA keys do, and every client of today has one of these.
pub(super) fn generate(hostname: &str) -> Result<Vec<HostKey>, ssh_key::Error> {
    let kinds =
        [("ecdsa", Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 }), ("ed25519", Algorithm::Ed25519)];
    let make = |(name, algorithm)| {
        let mut key = PrivateKey::random(&mut rand::rng(), algorithm)?;
        key.set_comment(format!("root@{hostname}"));
        let private = key.to_openssh(LineEnding::LF)?.to_string();
        let public = format!("{}\n", key.public_key().to_openssh()?);
        Ok(HostKey { name, private, public })
    };
    kinds.into_iter().map(make).collect()
}
