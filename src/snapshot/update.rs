//! What happens to a new result: `INSTA_UPDATE` and `CI`, with the meaning that they have for insta.

use std::env;

/// What is written when a result differs from what is recorded, or is not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// A `.snap.new` to be reviewed.
    New,
    /// The `.snap` itself, without review.
    Always,
    /// The `.snap` itself where there is none yet, else a `.snap.new`.
    Unseen,
    /// Nothing.
    No,
    /// The `.snap` itself, also where it matches.
    Force,
}

/// `INSTA_UPDATE` holds none of the words that insta knows.
#[derive(Debug, thiserror::Error)]
#[error("understand INSTA_UPDATE=`{0}`: use auto, new, always, unseen, no or force")]
pub struct UpdateError(pub String);

impl Update {
    /// As the environment says: `INSTA_UPDATE`, or `auto`, which is `no` on CI and `new` elsewhere.
    ///
    /// # Errors
    /// When `INSTA_UPDATE` holds another word.
    pub fn from_env() -> Result<Self, UpdateError> {
        let get = |name: &str| env::var(name).ok();
        Self::from_words(get("INSTA_UPDATE").as_deref(), get("CI").as_deref(), get("TF_BUILD").as_deref())
    }

    fn from_words(
        update: Option<&str>,
        ci: Option<&str>,
        tf_build: Option<&str>,
    ) -> Result<Self, UpdateError> {
        let on_ci = match ci {
            Some("false" | "0" | "") => false,
            Some(_) => true,
            None => tf_build.is_some(),
        };
        Ok(match update.unwrap_or("auto") {
            "auto" | "" if on_ci => Self::No,
            "auto" | "" | "new" => Self::New,
            "always" | "1" => Self::Always,
            "unseen" => Self::Unseen,
            "no" => Self::No,
            "force" => Self::Force,
            other => return Err(UpdateError(other.to_owned())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_what_they_mean_to_insta() {
        let cases = [
            ((None, None, None), Update::New),
            ((None, Some("true"), None), Update::No),
            ((None, Some("0"), Some("x")), Update::New),
            ((None, None, Some("x")), Update::No),
            ((Some("auto"), Some("1"), None), Update::No),
            ((Some(""), None, None), Update::New),
            ((Some("new"), Some("true"), None), Update::New),
            ((Some("always"), None, None), Update::Always),
            ((Some("1"), Some("true"), None), Update::Always),
            ((Some("unseen"), None, None), Update::Unseen),
            ((Some("no"), None, None), Update::No),
            ((Some("force"), Some("true"), None), Update::Force),
        ];
        for ((update, ci, tf), expected) in cases {
            assert_eq!(Update::from_words(update, ci, tf).unwrap(), expected, "{update:?} {ci:?} {tf:?}");
        }
        assert!(Update::from_words(Some("maybe"), None, None).is_err());
    }
}
