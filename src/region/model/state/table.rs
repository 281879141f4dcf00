//! A keyed collection that keeps the order of creation, which is the order in which `Describe` answers.

use serde::{Deserialize, Serialize};

use super::Shared;

/// What a [`Table`] can hold: something with an id of its own.
pub trait Entry: Clone {
    /// The id, unique in its table and never used again.
    fn id(&self) -> &str;
}

/// Resources of one kind, found by id, in order of creation. Serialised as a list. Copies share the resources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Table<T>(Vec<Shared<T>>);

/// The resources of a [`Table`], the oldest first.
pub type Iter<'a, T> = std::iter::Map<std::slice::Iter<'a, Shared<T>>, fn(&'a Shared<T>) -> &'a T>;

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table(Vec::new())
    }
}

impl<T: Entry> Table<T> {
    /// The resource with this id.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.iter().find(|entry| entry.id() == id)
    }

    /// Whether there is a resource with this id.
    pub fn contains(&self, id: &str) -> bool {
        self.get(id).is_some()
    }

    /// All resources, the oldest first.
    pub fn iter(&self) -> Iter<'_, T> {
        self.0.iter().map(|entry| &**entry)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.0.iter_mut().find(|entry| entry.id() == id).map(|entry| &mut **entry)
    }

    /// To look at and to change: those that are changed are no longer shared.
    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, Shared<T>> {
        self.0.iter_mut()
    }

    pub(crate) fn insert(&mut self, entry: T) {
        debug_assert!(!self.contains(entry.id()), "the id {} is used twice", entry.id());
        self.0.push(entry.into());
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<T> {
        let position = self.0.iter().position(|entry| entry.id() == id)?;
        Some(self.0.remove(position).into_inner())
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.0.retain(|entry| keep(entry));
    }
}

impl<'a, T> IntoIterator for &'a Table<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|entry| &**entry)
    }
}
