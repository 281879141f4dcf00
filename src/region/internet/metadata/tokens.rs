//! Session tokens of IMDSv2. They live as long as the daemon at most; instances boot anew with it anyway.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use rand::RngExt;

/// The longest time that a token can be asked for: six hours.
pub(super) const LONGEST: u32 = 21_600;

/// All tokens that are valid.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<HashMap<String, Grant>>);

#[derive(Debug)]
struct Grant {
    instance: String,
    until: Instant,
}

impl Tokens {
    /// A new token for an instance, of 56 characters as on EC2.
    pub(super) fn issue(&self, instance: &str, seconds: u32, now: Instant) -> String {
        let mut bytes = [0; 42];
        rand::rng().fill(&mut bytes);
        let token = URL_SAFE.encode(bytes);
        let until = now + Duration::from_secs(u64::from(seconds));
        let mut grants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        grants.retain(|_, grant| grant.until > now);
        grants.insert(token.clone(), Grant { instance: instance.to_owned(), until });
        token
    }

    /// Whether the token was issued to this instance and is still valid.
    pub(super) fn allows(&self, token: &str, instance: &str, now: Instant) -> bool {
        let grants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        grants.get(token).is_some_and(|grant| grant.instance == instance && grant.until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_one_instance_and_for_its_time() {
        let (tokens, now) = (Tokens::default(), Instant::now());
        let token = tokens.issue("i-1", 10, now);
        assert_eq!(token.len(), 56);
        assert!(tokens.allows(&token, "i-1", now + Duration::from_secs(9)));
        assert!(!tokens.allows(&token, "i-2", now));
        assert!(!tokens.allows(&token, "i-1", now + Duration::from_secs(10)));
        assert!(!tokens.allows("", "i-1", now));
        assert_ne!(tokens.issue("i-1", 10, now), token);
    }
}
