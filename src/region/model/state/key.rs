//! Key pairs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tags;

/// The public half of a key pair. The private half is returned once and kept nowhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyPair {
    /// `key-…`
    pub id: String,
    pub name: String,
    pub kind: KeyKind,
    /// As EC2 shows it: SHA-1 of the private key (created RSA), MD5 of the public key (imported RSA), or
    /// SHA-256 in base64 (ED25519).
    pub fingerprint: String,
    /// One line in the format of `authorized_keys`; the comment is the key's name.
    pub public_key: String,
    pub created: Timestamp,
    pub tags: Tags,
}

/// Kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    Rsa,
    Ed25519,
}

impl KeyKind {
    /// EC2's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyKind::Rsa => "rsa",
            KeyKind::Ed25519 => "ed25519",
        }
    }
}
