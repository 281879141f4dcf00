//! The book as files: what was recorded reaches the page as it was, and nothing of it becomes markup.
//!
//! Each test writes a small course with records of its own, builds its book, and reads the pages as a browser would.

mod browser;
mod course;
mod escaping;
mod pages;
mod program;
mod serving;
