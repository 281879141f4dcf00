//! Where a text mentions things that have an identity: what a reader wants to follow through a page.
//!
//! The same recogniser as in comparisons, with another question: there, what the lesson chose (10.0.2.10) is exact and
//! so no token; here it is the name of a machine like any other.

use std::ops::Range;

use super::Chosen;
use super::volatile::{self, Class, Hints, Kind, Named};

/// One place in a text that names a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The bytes of the text.
    pub span: Range<usize>,
    /// What kind of thing, without an article: `subnet`, `public address`.
    pub what: String,
    /// The thing itself, whatever form it is written in: `10.0.1.57` for `ip-10-0-1-57`.
    pub value: String,
}

/// The mentions in a text, in order and without overlap; `named` are values that the course's author has named. Only of what stays the same thing through a whole course:
/// cloud ids, addresses, keys and their fingerprints, the account. Process ids and ports mean another thing elsewhere.
pub fn mentions(text: &str, named: &[Named]) -> Vec<Mention> {
    let chosen = Chosen::default();
    let tokens = volatile::find(text, &Hints { named, ..Hints::of(&chosen) }).into_iter();
    let mentions = tokens.filter_map(|token| match token.kind {
        Kind::Identity(identity) if is_followed(&identity.class) => {
            let noun = identity.class.noun();
            let what = noun.strip_prefix("the ").unwrap_or(&noun).trim_matches('`').to_owned();
            Some(Mention { span: token.span, what, value: identity.value })
        }
        Kind::Identity(_) | Kind::Quantity(..) | Kind::Vary(_) => None,
    });
    mentions.collect()
}

fn is_followed(class: &Class) -> bool {
    match class {
        Class::Cloud(_) | Class::Named(_) => true,
        Class::PrivateAddress | Class::PublicAddress | Class::Ipv6 | Class::Mac => true,
        Class::Account | Class::Fingerprint | Class::HexFingerprint(_) | Class::PublicKey => true,
        Class::Region | Class::ZoneId | Class::Uuid | Class::Opaque => false,
        Class::Process | Class::Interface | Class::Port | Class::Connection | Class::Terminal => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_addresses_are_mentioned_too_and_blocks_of_addresses_are_not() {
        let text = "subnet-0123456789abcdef0 10.0.2.10 10.0.2.0/24 ip-10-0-2-10 us-east-1 0.0.0.0/0";
        let found: Vec<_> = mentions(text, &[]).into_iter().map(|m| (m.what, m.value)).collect();
        let expected = [
            ("subnet", "subnet-0123456789abcdef0"),
            ("private address", "10.0.2.10"),
            ("private address", "10.0.2.10"),
        ];
        assert_eq!(found, expected.map(|(what, value)| (what.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_the_author_has_named_is_mentioned_wherever_it_stands_apart() {
        let named = [Named { name: "suffix".into(), value: "a1b2c3d4".into() }];
        let found = mentions("lab-a1b2c3d4.example a1b2c3d4ff", &named);
        assert_eq!(found, [Mention { span: 4..12, what: "suffix".into(), value: "a1b2c3d4".into() }]);
    }
}
