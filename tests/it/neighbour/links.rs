//! Where the owner of the directories that root works in can lead root: nowhere.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::home::{Home, OWNER, as_user};
use crate::course::told;

/// Something of root's that nobody may touch: a directory with one file, and where a new file would be noticed.
struct Victim(tempfile::TempDir);

impl Victim {
    fn new() -> Victim {
        let victim = Victim(tempfile::tempdir().expect("a directory"));
        fs::set_permissions(victim.directory(), Permissions::from_mode(0o755)).expect("a mode");
        fs::write(victim.file(), "untouched").expect("a file");
        fs::set_permissions(victim.file(), Permissions::from_mode(0o644)).expect("a mode");
        victim
    }

    fn directory(&self) -> &Path {
        self.0.path()
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("file")
    }

    /// Owner, mode and content of all that is there.
    fn look(&self) -> String {
        let own = fs::metadata(self.directory()).expect("there");
        let mut seen = format!("{} {:o}\n", own.uid(), own.mode());
        let mut names: Vec<_> =
            fs::read_dir(self.directory()).expect("lists").flatten().map(|e| e.path()).collect();
        names.sort();
        for path in names {
            let meta = fs::symlink_metadata(&path).expect("there");
            let text = fs::read(&path).unwrap_or_default();
            seen += &format!(
                "{} {} {:o} {}\n",
                path.display(),
                meta.uid(),
                meta.mode(),
                String::from_utf8_lossy(&text)
            );
        }
        seen
    }
}

/// Where a link leads.
#[derive(Clone, Copy)]
enum To {
    /// A file of root's.
    File,
    /// A name in a directory of root's under which there is nothing yet.
    Nothing,
    /// A directory of root's.
    Directory,
}

/// A link that stands in the owner's directories before the region is first started, with the directories above it.
const PLANTED: &[(&str, To)] = &[
    (".local/state/lab/region", To::Directory),
    (".local/state/lab/region", To::Nothing),
    (".local/state/lab/region/start.lock", To::Nothing),
    (".local/state/lab/region/daemon.log", To::File),
    (".local/state/lab/region/lock", To::Nothing),
    (".local/state/lab/region/pid.new", To::File),
    (".local/state/lab/region/port.new", To::File),
    (".local/state/lab/region/port", To::File),
    (".local/state/lab/region/state.json", To::File),
    (".local/state/lab/region/labs.json", To::File),
    (".local/state/lab/region/labs.json.new", To::File),
    (".local/state/lab/region/labs.json.old", To::File),
    (".local/state/lab/region/last-exit.json.new", To::File),
    (".local/state/lab/region/control.sock", To::Nothing),
    (".local/state/lab/region/guests", To::Directory),
    (".local/state/lab/region/laptops", To::Directory),
    (".local/state/lab/region/additions", To::Directory),
    (".cache/lab/packages", To::Directory),
    (".cache/lab/packages/.partial", To::Directory),
    (".cache/lab/ca", To::Directory),
    (".cache/lab/ca/ca.key", To::Nothing),
    (".cache/lab/checkpoints", To::Directory),
    (".cache/lab/checkpoints/states", To::Directory),
    (".cache/lab/checkpoints/lock", To::Nothing),
    (".local/state/lab/labs", To::Directory),
    (".local/state/lab/labs/seat", To::Directory),
    (".local/state/lab/labs/seat/home", To::Directory),
    (".local/state/lab/labs/seat/run", To::Directory),
];

/// Makes directories and a link as the owner.
fn plant(home: &Home, place: &str, target: &Path) {
    let place = home.path().join(place);
    as_user(OWNER, || {
        fs::create_dir_all(place.parent().expect("a parent")).expect("the owner's directories");
        symlink(target, &place).expect("the owner's link");
    });
}

#[test]
fn root_follows_no_link_that_was_there_before_it_came() {
    for (place, to) in PLANTED {
        let (home, victim) = (Home::new(0o022), Victim::new());
        let target = match to {
            To::File => victim.file(),
            To::Nothing => victim.directory().join("new"),
            To::Directory => victim.directory().to_owned(),
        };
        let before = victim.look();
        plant(&home, place, &target);
        let started = home.start();
        // Whether it is refused or does without: nothing of root's is touched.
        if started.status.success() {
            let _ = home.lab(&["region", "env", "--lab", "seat"]).output().expect("lab starts");
            let _ = home.lab(&["region", "stop"]).output().expect("lab starts");
        } else {
            let text = told(&started);
            assert!(
                text.contains("symbolic link") || text.contains(&format!("belongs to user {OWNER}")),
                "{place}: {text}"
            );
        }
        assert_eq!(victim.look(), before, "{place}");
    }
}

#[test]
fn root_follows_no_link_that_takes_the_place_of_what_it_has_made() {
    let (home, victim) = (Home::new(0o022), Victim::new());
    let paths = home.paths();
    home.lesson("01-quick", "# Quick\n\n```sh {#a}\nmkdir deep\necho mine > deep/file\n```\n");
    assert!(home.start().status.success());
    home.well(&["run", "01-quick"]);
    let before = victim.look();
    // While it runs, its directories are renamed, and links to root's stand in their places.
    let swapped = [paths.region(), paths.packages(), paths.authority(), paths.states(), paths.images()];
    for place in &swapped {
        as_user(OWNER, || {
            fs::rename(place, place.with_extension("aside")).expect("the owner may");
            symlink(victim.directory(), place).expect("the owner may");
        });
    }
    // The daemon is reached by the socket's old place. It goes on with what it has.
    as_user(OWNER, || {
        fs::remove_file(paths.region()).expect("the owner's link");
        symlink(paths.region().with_extension("aside"), paths.region()).expect("the owner's link");
    });
    home.well(&["region", "env", "--lab", "another"]);
    home.well(&["run", "01-quick", "--again"]);
    home.well(&["down"]);
    assert_eq!(victim.look(), before);
    home.well(&["region", "stop"]);
    assert_eq!(victim.look(), before);
    // The next one is told what is in the way.
    let refused = home.start();
    assert!(!refused.status.success() && told(&refused).contains("is a symbolic link"), "{}", told(&refused));
    assert_eq!(victim.look(), before);
}

#[test]
fn root_keeps_and_restores_a_home_directory_without_following_what_is_in_it() {
    let (home, victim) = (Home::new(0o022), Victim::new());
    let paths = home.paths();
    fs::set_permissions(victim.file(), Permissions::from_mode(0o600)).expect("a mode");
    let target = victim.directory().display();
    // What a lesson leaves: links to a file and to a directory that only root can read.
    home.lesson(
        "01-quick",
        &format!(
            "# Quick\n\n```sh {{#a}}\nln -s {target}/file link\nln -s {target} dir\necho x > plain\n```\n"
        ),
    );
    home.lesson("02-next", "# Next\n\n```sh {#b}\nls -l link dir/ plain | wc -l\n```\n");
    assert!(home.start().status.success());
    home.well(&["run", "01-quick"]);
    let before = victim.look();
    let kept = fs::read_dir(paths.states()).expect("root lists").flatten().next().expect("a moment").path();
    assert!(kept.join("home/link").is_symlink() && kept.join("home/dir").is_symlink());
    assert_eq!(fs::read_to_string(kept.join("home/plain")).expect("a file"), "x\n");
    // Restored into a new lab, they are what they were: the owner's.
    home.well(&["down"]);
    home.well(&["run", "02-next"]);
    let restored = paths.lab_home("default").join("plain");
    assert_eq!(fs::metadata(&restored).expect("there").uid(), OWNER);
    assert_eq!(victim.look(), before);

    // While a home directory is kept again and again, its owner swaps a directory in it for a link to root's.
    let swapped = paths.lab_home("default").join("swapped");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            as_user(OWNER, || {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let _ = fs::create_dir(&swapped);
                    let _ = fs::remove_dir(&swapped);
                    let _ = symlink(victim.directory(), &swapped);
                    let _ = fs::remove_file(&swapped);
                }
            });
        });
        let deadline = Instant::now() + Duration::from_secs(4);
        while Instant::now() < deadline {
            // It may well fail: what it copies is another at every moment.
            let _ = home.lab(&["run", "01-quick", "--again"]).output().expect("lab starts");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let mut open = vec![paths.states()];
    while let Some(path) = open.pop() {
        let meta = fs::symlink_metadata(&path).expect("there");
        if meta.is_dir() {
            open.extend(fs::read_dir(&path).expect("lists").flatten().map(|entry| entry.path()));
        } else if meta.is_file() {
            let text = fs::read(&path).unwrap_or_default();
            assert!(!text.starts_with(b"untouched"), "{} is a copy of root's file", path.display());
        }
    }
    assert_eq!(victim.look(), before);
}

#[test]
fn a_directory_of_another_user_is_not_root_s_to_work_in() {
    let home = Home::new(0o022);
    let region = home.paths().region();
    fs::create_dir(&region).expect("a directory");
    chown(&region, Some(OWNER), Some(OWNER)).expect("the owner's");
    let refused = home.start();
    let text = told(&refused);
    assert!(!refused.status.success() && text.contains(&format!("belongs to user {OWNER}")), "{text}");
    assert!(text.contains("region"), "it says which: {text}");
    // Emptied and removed by its owner, it is made by root.
    as_user(OWNER, || fs::remove_dir(&region)).expect("the owner may");
    assert!(home.start().status.success());
    assert_eq!(fs::metadata(&region).expect("there").uid(), 0);
}
