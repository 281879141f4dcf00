//! A text with `$VARIABLES` in it, as in an `http` fence.

use std::fmt;

use crate::name::VarName;

/// A text with places for variables: `$NAME` or `${NAME}`. `$$` is a dollar sign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    pub(crate) parts: Vec<Part>,
}

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Goes in as it is.
    Text(String),
    /// Is replaced by the variable's value.
    Variable(VarName),
}

impl Template {
    /// Its pieces in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The variables used, in order, as often as they are used.
    pub fn variables(&self) -> impl Iterator<Item = &VarName> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name),
            Part::Text(_) => None,
        })
    }

    /// The text with each variable replaced by its `value`.
    ///
    /// # Errors
    /// The first variable that has no value.
    pub fn expand(&self, mut value: impl FnMut(&VarName) -> Option<String>) -> Result<String, VarName> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(own) => text.push_str(own),
                Part::Variable(name) => text.push_str(&value(name).ok_or_else(|| name.clone())?),
            }
        }
        Ok(text)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(&text.replace('$', "$$")),
            Part::Variable(name) => write!(f, "${{{name}}}"),
        })
    }
}
