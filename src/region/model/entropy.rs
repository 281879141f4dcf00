//! The source of ids, MAC addresses and public addresses: a small generator whose state is part of the
//! region's state, so that a test can replay a run. Secrets never come from here (see `keys`).

use serde::{Deserialize, Serialize};

/// A serialisable generator (SplitMix64): the n-th draw is a one-to-one function of n, so that no two draws
/// of one generator are equal and ids cannot collide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entropy {
    position: u64,
}

impl Entropy {
    pub(crate) fn from_os() -> Entropy {
        Entropy { position: rand::random() }
    }

    pub(crate) fn from_seed(seed: u64) -> Entropy {
        Entropy { position: seed }
    }

    /// 64 fresh bits.
    pub(crate) fn draw(&mut self) -> u64 {
        self.position = self.position.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.position;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which must not be zero.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound
    }

    /// A fresh id: the prefix, a hyphen, a zero and 16 hex digits, as EC2's long ids look.
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        format!("{prefix}-0{:016x}", self.draw())
    }

    /// A locally administered unicast MAC address that begins as EC2's often do.
    pub(crate) fn mac(&mut self) -> String {
        let b = self.draw().to_be_bytes();
        format!("0a:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", b[3], b[4], b[5], b[6], b[7])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Entropy;

    #[test]
    fn ids_are_long_distinct_and_follow_from_the_seed() {
        let draw = |seed| {
            let mut entropy = Entropy::from_seed(seed);
            (0..10_000).map(|_| entropy.id("vpc")).collect::<Vec<_>>()
        };
        let ids = draw(7);
        assert_eq!(ids, draw(7));
        assert_ne!(ids, draw(8));
        assert!(ids.iter().all(|id| id.len() == "vpc-".len() + 17 && id.starts_with("vpc-0")));
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    }
}
