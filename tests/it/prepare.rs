//! `lab prepare`: the course runs with what is on this machine, and says so when it does not.

use std::fs;
use std::path::PathBuf;

use lab::region::client::Paths;

use crate::course::{Course, Region, share_images, told};

fn shared() -> PathBuf {
    Paths::from_environment().expect("a home directory").cache
}

#[test]
fn what_is_not_there_is_missed_offline_and_fetched_otherwise() {
    let region = Region::new();
    let course = Course::copy(&region);
    let cache = course.root().join("cache");
    // Packages from nothing; the image need not be built again.
    share_images(&shared(), &cache.join("lab"));
    let prepare = |arguments: &[&str]| {
        let mut all = vec!["prepare"];
        all.extend(arguments);
        let mut command = course.command(&all);
        command.env("XDG_CACHE_HOME", &cache).output().expect("lab starts")
    };

    // Nothing of the first two lessons comes from the archive.
    let offline =
        prepare(&["--offline", "lessons/01-vpc-and-subnets.md", "lessons/00-the-finished-network.md"]);
    assert_eq!(offline.status.code(), Some(0), "{}", told(&offline));
    assert!(told(&offline).contains("runs without a network"), "{}", told(&offline));

    let lesson = course.root().join("lessons/01-vpc-and-subnets.md");
    let text = fs::read_to_string(&lesson).expect("readable");
    let block = "```sh {#fetch-index match=exit}\ncurl -sS -f -o index \\\n  \
                 http://deb.debian.region.internal/debian/dists/trixie/InRelease\n```\n";
    fs::write(&lesson, format!("{text}\n{block}")).expect("writable");
    let missed = prepare(&["--offline", "lessons/01-vpc-and-subnets.md"]);
    assert_eq!(missed.status.code(), Some(1), "{}", told(&missed));
    assert!(told(&missed).contains("504"), "{}", told(&missed));
    assert!(told(&missed).contains("`lab prepare`, while there is a network"), "{}", told(&missed));

    // The mirror asks again as soon as the rehearsal is over. The block is not recorded: status 1, but it ran.
    let fetched = prepare(&["lessons/01-vpc-and-subnets.md"]);
    assert!(told(&fetched).contains("0 failed, 1 not recorded yet"), "{}", told(&fetched));
}

#[test]
fn without_an_image_nothing_is_rehearsed_offline_and_nothing_built() {
    let region = Region::new();
    let course = Course::copy(&region);
    let cache = course.root().join("cache");
    let mut command = course.command(&["prepare", "--offline", "lessons/01-vpc-and-subnets.md"]);
    let output = command.env("XDG_CACHE_HOME", &cache).output().expect("lab starts");
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert!(told(&output).contains("the instances' image is not built yet"), "{}", told(&output));
    assert!(told(&output).contains("`lab prepare` builds it"), "{}", told(&output));
    assert!(!cache.join("lab/images").exists(), "nothing was begun");
}
