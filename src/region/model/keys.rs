//! Making and reading keys, and their fingerprints as EC2 computes them. The one place in the model that asks
//! the operating system for randomness: a private key must not follow from the region's state.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::compute as md5;
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::{DecodePublicKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use ssh_key::private::Ed25519Keypair;
use ssh_key::{PrivateKey, PublicKey, public::KeyData};

use super::fault::{fault, invalid};
use super::params::Params;
use super::state::KeyKind;
use crate::wire::Fault;

/// A key pair as it is made; the private half is for the caller alone.
#[derive(Clone)]
pub(crate) struct MadeKey {
    pub(crate) kind: KeyKind,
    /// PKCS#1 PEM for RSA, OpenSSH's format for ED25519, as EC2 returns them.
    pub(crate) private: String,
    pub(crate) public: String,
    pub(crate) fingerprint: String,
}

impl fmt::Debug for MadeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MadeKey").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// A public key that a user brought.
pub(crate) struct ReadKey {
    pub(crate) kind: KeyKind,
    pub(crate) public: String,
    pub(crate) fingerprint: String,
}

/// The kind and name of the key that a request wants made, in the one form that there is.
pub(crate) fn wanted(params: Params<'_>) -> Result<(KeyKind, &str), Fault> {
    let name = params.need("KeyName")?;
    let kind = match params.str("KeyType").unwrap_or("rsa") {
        "rsa" => KeyKind::Rsa,
        "ed25519" => KeyKind::Ed25519,
        other => return Err(invalid(format!("Value ({other}) for parameter keyType is invalid."))),
    };
    match params.str("KeyFormat").unwrap_or("pem") {
        "pem" => Ok((kind, name)),
        "ppk" => Err(fault("UnsupportedOperation", "The key format ppk is not available in this region.")),
        other => Err(invalid(format!("Value ({other}) for parameter keyFormat is invalid."))),
    }
}

/// Makes a key: RSA with 2,048 bits, or ED25519.
pub(crate) fn make(kind: KeyKind, name: &str) -> Result<MadeKey, Fault> {
    let internal = || fault("InternalError", "An internal error has occurred");
    let mut rng = rand::rng();
    match kind {
        KeyKind::Rsa => {
            let key = RsaPrivateKey::new(&mut rng, 2048).map_err(|_| internal())?;
            let pem = key.to_pkcs1_pem(LineEnding::LF).map_err(|_| internal())?;
            let der = key.to_pkcs8_der().map_err(|_| internal())?;
            let public =
                ssh_key::public::RsaPublicKey::try_from(key.to_public_key()).map_err(|_| internal())?;
            Ok(MadeKey {
                kind,
                private: pem.trim_end().to_owned(),
                public: openssh(KeyData::Rsa(public), name)?,
                fingerprint: colons(&Sha1::digest(der.as_bytes())),
            })
        }
        KeyKind::Ed25519 => {
            let key = PrivateKey::from(Ed25519Keypair::random(&mut rng));
            let public = key.public_key().key_data().clone();
            let fingerprint = sha256(&public)?;
            Ok(MadeKey {
                kind,
                // The final newline belongs to this format: OpenSSH refuses a file without it.
                private: key.to_openssh(LineEnding::LF).map_err(|_| internal())?.to_string(),
                public: openssh(public, name)?,
                fingerprint,
            })
        }
    }
}

/// Reads an imported public key: a line as in `authorized_keys`, base64 of its DER form, or a file as RFC 4716 has it.
pub(crate) fn read(material: &[u8], name: &str) -> Result<ReadKey, Fault> {
    let bad = || fault("InvalidKey.Format", "Key is not in valid OpenSSH public key format");
    let text = std::str::from_utf8(material).map_err(|_| bad())?.trim();
    let data = match PublicKey::from_openssh(text) {
        Ok(key) => key.key_data().clone(),
        Err(_) => {
            let blob = STANDARD.decode(body(text)).map_err(|_| bad())?;
            match rsa::RsaPublicKey::from_public_key_der(&blob) {
                Ok(key) => KeyData::Rsa(ssh_key::public::RsaPublicKey::try_from(key).map_err(|_| bad())?),
                Err(_) => PublicKey::from_bytes(&blob).map_err(|_| bad())?.key_data().clone(),
            }
        }
    };
    let (kind, fingerprint) = match &data {
        KeyData::Rsa(key) => {
            let key = rsa::RsaPublicKey::try_from(key).map_err(|_| bad())?;
            let der = key.to_public_key_der().map_err(|_| bad())?;
            (KeyKind::Rsa, colons(&md5(der.as_bytes()).0))
        }
        KeyData::Ed25519(_) => (KeyKind::Ed25519, sha256(&data)?),
        _ => return Err(bad()),
    };
    Ok(ReadKey { kind, public: openssh(data, name)?, fingerprint })
}

/// The base64 between the marks of a file, without the headers that RFC 4716 allows there (`Comment: "..."`, whose
/// lines go on after a backslash).
fn body(text: &str) -> String {
    let mut in_header = false;
    let is_body = |line: &&str| {
        let header = in_header || line.contains(':');
        in_header = header && line.ends_with('\\');
        !header && !line.starts_with('-')
    };
    text.lines().map(str::trim).filter(is_body).collect()
}

fn openssh(data: KeyData, name: &str) -> Result<String, Fault> {
    let unreadable = |_| fault("InvalidKey.Format", "Key is not in valid OpenSSH public key format");
    PublicKey::new(data, name).to_openssh().map_err(unreadable)
}

/// SHA-256 of the key's wire form in base64, as `ssh-keygen -l` prints it but with its padding.
fn sha256(data: &KeyData) -> Result<String, Fault> {
    let line = openssh(data.clone(), "")?;
    let blob = line.split_whitespace().nth(1).and_then(|blob| STANDARD.decode(blob).ok());
    let blob = blob.ok_or_else(|| fault("InternalError", "An internal error has occurred"))?;
    Ok(STANDARD.encode(Sha256::digest(blob)))
}

fn colons(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_is_the_same_in_each_of_its_forms() {
        let blob = "AAAAC3NzaC1lZDI1NTE5AAAAIFN7r1cpwocH+HSkUyV0ok7FimWjf94CWY1fn9EszIlx";
        let line = read(format!("ssh-ed25519 {blob} someone@home\n").as_bytes(), "k").unwrap();
        assert_eq!(line.public, format!("ssh-ed25519 {blob} k"));
        // As `ssh-keygen -e` writes it, and with a header that goes on.
        for header in
            ["Comment: \"256-bit ED25519, by OpenSSH\"", "Subject: me\nComment: \"a long\\\ncomment\""]
        {
            let (head, tail) = blob.split_at(40);
            let text = format!(
                "---- BEGIN SSH2 PUBLIC KEY ----\n{header}\n{head}\n{tail}\n---- END SSH2 PUBLIC KEY ----\n"
            );
            let key = read(text.as_bytes(), "k").unwrap();
            assert_eq!((key.public, key.fingerprint), (line.public.clone(), line.fingerprint.clone()));
        }
        assert_eq!(read(b"---- BEGIN SSH2 PUBLIC KEY ----\n", "k").err().unwrap().code, "InvalidKey.Format");
    }
}
