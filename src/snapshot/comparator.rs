//! The comparison as insta's own tests can use it.

/// An `insta::Comparator` over [`super::compare`]; clones share one renaming.
#[derive(Clone)]
pub struct UpToRenaming {}
