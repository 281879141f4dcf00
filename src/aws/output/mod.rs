//! A value -> what the AWS CLI prints for it.

mod json;
mod python;
mod table;
mod text;
mod yaml;

pub use json::json;
pub use table::{TableError, table};
pub use text::text;
pub use yaml::yaml;

pub(crate) use python::{python, python_text};

#[cfg(test)]
mod tests;
