//! The book in a browser: the tests of `tests/browser` over the course's book and a page with every kind of block.
//!
//! Needs Node.js and Playwright in the directory that `LAB_BROWSER` names, and the system's Chromium.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[test]
fn every_page_is_in_order_in_a_browser() {
    let tools = std::env::var_os("LAB_BROWSER").map(PathBuf::from).expect(
        "LAB_BROWSER should name a directory with Node.js and Playwright; `make test` makes one and sets it",
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shelf = tempfile::tempdir().expect("a directory");
    let (book, sample) = (shelf.path().join("book"), shelf.path().join("sample"));
    lab::book::build(root, Some(&book)).expect("the course's book");
    lab::book::build(&root.join("tests/browser/course"), Some(&sample)).expect("the sample");
    let ended = Command::new(tools.join("bin/node"))
        .args(["--test", "--test-reporter=tap"])
        .current_dir(root.join("tests/browser"))
        .env("LAB_BROWSER", &tools)
        .env("LAB_BOOKS", std::env::join_paths([&book, &sample]).expect("two paths"))
        .stdin(Stdio::null())
        .output()
        .expect("Node.js runs");
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{told}{}", String::from_utf8_lossy(&ended.stderr));
    let passed = told.lines().find_map(|line| line.strip_prefix("# pass ")?.parse::<u32>().ok());
    assert!(passed.is_some_and(|count| count >= 20), "tests are missing: {told}");
}
