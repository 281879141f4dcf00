//! Counts the boots of each host of a lab: within one of them a process id means one process, after the next another.
//!
//! A host is rebooted by a lesson, stopped and started, made again under its name, or booted because the lab's state was
//! restored. All of these look alike from here: its shell runs in a boot that was not seen before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The last boot seen of each host, and its number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Boots(BTreeMap<String, Boot>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Boot {
    /// What the host's kernel calls it.
    word: String,
    /// From 0.
    number: u32,
}

impl Boots {
    /// The number of the host's present boot, now that a shell runs in the one called `word`; of its last where none does.
    pub(super) fn number(&mut self, host: &str, word: Option<&str>) -> u32 {
        let known = self.0.get_mut(host);
        match (known, word) {
            (Some(boot), Some(word)) if boot.word != word => {
                *boot = Boot { word: word.to_owned(), number: boot.number + 1 };
                boot.number
            }
            (Some(boot), _) => boot.number,
            (None, Some(word)) => {
                self.0.insert(host.to_owned(), Boot { word: word.to_owned(), number: 0 });
                0
            }
            (None, None) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_boot_of_a_host_has_a_number_of_its_own_also_in_a_later_run() {
        let mut boots = Boots::default();
        assert_eq!(boots.number("web", None), 0, "nothing is known yet");
        assert_eq!(boots.number("web", Some("a")), 0);
        assert_eq!(boots.number("db", Some("b")), 0);
        assert_eq!(boots.number("web", Some("a")), 0);
        assert_eq!(boots.number("web", Some("c")), 1);
        let text = serde_json::to_string(&boots).expect("serialises");
        let mut boots: Boots = serde_json::from_str(&text).expect("deserialises");
        assert_eq!(boots.number("web", None), 1, "what is not asked has not rebooted");
        assert_eq!(boots.number("web", Some("c")), 1);
        assert_eq!(boots.number("web", Some("a")), 2, "no boot comes back");
        assert_eq!(boots.number("db", Some("b")), 0);
    }
}
