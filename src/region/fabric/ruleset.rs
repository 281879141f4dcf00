//! An nft ruleset as a value, so that two of them can be compared and the difference applied in place.

use std::collections::BTreeMap;

/// The tables of one namespace, by family and name: `ip vpc`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ruleset {
    pub tables: BTreeMap<String, Table>,
}

/// One table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    pub collections: BTreeMap<String, Collection>,
    pub chains: BTreeMap<String, Chain>,
}

/// A set, or a map when its elements have values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    pub kind: Kind,
    /// `type ipv4_addr`, `typeof meta iifgroup : verdict`.
    pub spec: String,
    /// Elements in nft's words; the value is empty in a set.
    pub elements: BTreeMap<String, String>,
}

/// Which of the two a collection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Set,
    Map,
}

/// A chain: a base chain when it has a hook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain {
    /// `type filter hook forward priority 0; policy drop;`
    pub hook: Option<String>,
    pub rules: Vec<String>,
}

impl Table {
    /// Declares a set.
    pub(super) fn set(&mut self, name: &str, spec: &str) -> &mut Self {
        self.declare(name, Kind::Set, spec)
    }

    /// Declares a map.
    pub(super) fn map(&mut self, name: &str, spec: &str) -> &mut Self {
        self.declare(name, Kind::Map, spec)
    }

    fn declare(&mut self, name: &str, kind: Kind, spec: &str) -> &mut Self {
        let collection = Collection { kind, spec: spec.to_owned(), elements: BTreeMap::new() };
        self.collections.insert(name.to_owned(), collection);
        self
    }

    /// Puts an element into a set that is declared.
    pub(super) fn element(&mut self, name: &str, key: impl ToString) {
        self.entry(name, key, "");
    }

    /// Puts an element into a map that is declared.
    pub(super) fn entry(&mut self, name: &str, key: impl ToString, value: impl ToString) {
        let collection = self.collections.get_mut(name);
        debug_assert!(collection.is_some(), "{name} is not declared");
        if let Some(collection) = collection {
            collection.elements.insert(key.to_string(), value.to_string());
        }
    }

    /// Adds a chain that others jump to.
    pub(super) fn chain<S: Into<String>>(
        &mut self,
        name: impl Into<String>,
        rules: impl IntoIterator<Item = S>,
    ) {
        let rules = rules.into_iter().map(Into::into).collect();
        self.chains.insert(name.into(), Chain { hook: None, rules });
    }

    /// Adds a chain at a hook.
    pub(super) fn base<S: Into<String>>(
        &mut self,
        name: impl Into<String>,
        hook: &str,
        rules: impl IntoIterator<Item = S>,
    ) {
        let rules = rules.into_iter().map(Into::into).collect();
        self.chains.insert(name.into(), Chain { hook: Some(hook.to_owned()), rules });
    }
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Map => "map",
        }
    }
}
