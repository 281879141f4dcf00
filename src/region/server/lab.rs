//! What the daemon knows of a lab, besides what its account holds.

use jiff::Timestamp;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{Refusal, RefusalCode};
use crate::region::model::is_region_name;

/// Characters of AWS's access keys.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Characters of AWS's secrets.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// One lab: an account with its owner and its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lab {
    /// Twelve digits.
    pub account: String,
    /// Region name.
    pub region: String,
    /// Owner on the host.
    pub uid: u32,
    /// The owner's group.
    pub gid: u32,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub created: Timestamp,
}

impl Lab {
    /// A lab with a new account and key.
    pub(super) fn new(region: &str, uid: u32, gid: u32) -> Lab {
        let mut random = rand::rng();
        let mut characters = |alphabet: &[u8], count: usize| -> String {
            (0..count).map(|_| char::from(alphabet[random.random_range(0..alphabet.len())])).collect()
        };
        Lab {
            // Account numbers with leading zeros exist, and get lost in spreadsheets.
            account: characters(b"123456789", 1) + &characters(b"0123456789", 11),
            region: region.to_owned(),
            uid,
            gid,
            access_key_id: format!("AKIA{}", characters(BASE32, 16)),
            secret_access_key: characters(BASE64, 40),
            created: Timestamp::now(),
        }
    }
}

/// Names of labs become names of directories.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.is_empty() && name.len() <= 64 && name.chars().all(fine) && !name.starts_with(['.', '-']) {
        return Ok(());
    }
    let message = format!("use `{name}` as the name of a lab: letters, digits, `-`, `_` and `.` only");
    Err(Refusal { code: RefusalCode::BadRequest, message })
}

/// Region names become parts of names in DNS.
pub(super) fn check_region(region: &str) -> Result<(), Refusal> {
    if is_region_name(region) {
        return Ok(());
    }
    let message = format!("use `{region}` as a region: a name like `us-east-1` is needed");
    Err(Refusal { code: RefusalCode::BadRequest, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_lead_elsewhere() {
        assert!(check_name("default").is_ok() && check_name("verify-1.2_x").is_ok());
        for name in ["", "..", ".hidden", "a/b", "-x", "ä", &"x".repeat(65)] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_region("ap-northeast-1").is_ok() && check_region("us-gov-west-1").is_ok());
        assert!(check_region("here").is_err() && check_region("Us-east-1").is_err());
    }

    #[test]
    fn keys_look_like_keys() {
        let lab = Lab::new("us-east-1", 0, 0);
        assert!(
            lab.account.len() == 12 && lab.access_key_id.len() == 20 && lab.secret_access_key.len() == 40
        );
        assert_ne!(lab.secret_access_key, Lab::new("us-east-1", 0, 0).secret_access_key);
    }
}
