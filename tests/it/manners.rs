//! The manners of the command line: readers that go away, disks that are full, and looking without touching.

use std::fs;
use std::io::Read as _;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lab::aws::journal::{Entry, read_living};

use crate::course::{Course, Region, told};

const SMALL: &str = "# Small\n\n```sh {#a}\necho one\necho two\n```\n";

/// Runs `lab` with the reading end of its output (and of its errors, if so wanted) closed before it writes.
fn unread(course: &Course, arguments: &[&str], errors_too: bool) -> Output {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = course.command(arguments);
    if errors_too {
        command.stderr(writer.try_clone().expect("a copy"));
    } else {
        command.stderr(Stdio::piped());
    }
    command.stdout(writer).spawn().expect("lab starts").wait_with_output().expect("ends")
}

#[test]
fn a_reader_that_goes_away_ends_no_command_and_is_not_spoken_of() {
    let region = Region::new();
    let course = Course::of(&region, "small", SMALL);
    // Each verb that prints, with the status that it has with a reader.
    let verbs: &[(&[&str], i32)] = &[
        (&["--help"], 0),
        (&["--version"], 0),
        (&["lint"], 0),
        (&["status"], 0),
        (&["status", "--json"], 0),
        (&["run", "small"], 0),
        (&["run", "small", "--again", "--format", "json"], 0),
        (&["run", "small", "--again", "--format", "github"], 0),
        (&["status"], 0),
        (&["check", "small"], 2),
        (&["review", "--list"], 0),
        (&["review", "--prune"], 0),
        (&["verify", "small"], 1),
        (&["region", "status"], 0),
        (&["region", "status", "--json"], 0),
        (&["region", "env"], 0),
        (&["book", "build"], 0),
        (&["down"], 0),
        (&["down"], 0),
        (&["region", "reset", "--yes"], 0),
        (&["region", "stop"], 0),
        (&["region", "stop"], 0),
        (&["rnu"], 2),
    ];
    fs::write(course.root().join("book.toml"), "[book]\ntitle = \"T\"\nsrc = \"lessons\"\n")
        .expect("written");
    for errors_too in [false, true] {
        for (arguments, status) in verbs {
            let output = unread(&course, arguments, errors_too);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(*status), "{arguments:?}: {errors}");
            for word in ["panicked", "Broken pipe", "os error"] {
                assert!(!errors.contains(word), "{arguments:?}: {errors}");
            }
        }
    }
}

#[test]
fn the_first_line_is_enough() {
    let region = Region::new();
    let course = Course::of(&region, "small", SMALL);
    let lab = env!("CARGO_BIN_EXE_lab");
    let shell = |line: &str| {
        let mut command = Command::new("bash");
        for (name, value) in course.command(&[]).get_envs() {
            command.env(name, value.expect("set, not removed"));
        }
        command.args(["-c", line]).current_dir(course.root()).output().expect("bash runs")
    };
    let output = shell(&format!("'{lab}' region env 2>/dev/null | head -1; echo ${{PIPESTATUS[0]}}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with("export AWS_ENDPOINT_URL=") && text.ends_with("\n0\n"), "{text}");
    // A program that prints for ever ends, as one does that writes into a pipe that nobody reads.
    assert!(course.lab(&["run", "small"]).status.success());
    let output = shell(&format!("echo 'exec yes' | '{lab}' shell 2>&1 | head -1; echo ${{PIPESTATUS[1]}}"));
    // The shell may have something to say first.
    assert!(output.stdout.ends_with(b"\n141\n"), "{}", told(&output));
    // A disk that is full is no reader that went away.
    let output = shell(&format!("'{lab}' status >/dev/full"));
    assert_eq!(output.status.code(), Some(3));
    assert!(told(&output).contains("No space left on device"), "{}", told(&output));
}

/// Creates many things, so that there are many lines of the journal to lose.
const MANY: &str = "# Many\n\n```sh {#make timeout=5m}\nVPC=$(aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId --output text)\n\
                    for i in $(seq 19); do\n  aws ec2 create-security-group --group-name g$i --description x --vpc-id $VPC --query GroupId --output text >> groups\ndone\n```\n\n\
                    ```sh {#unmake timeout=5m}\nfor id in $(cat groups); do aws ec2 delete-security-group --group-id $id > gone; done\n\
                    aws ec2 delete-vpc --vpc-id $VPC\n```\n";

#[test]
fn twenty_runs_lose_no_line_of_a_journal_and_are_never_busy_under_those_who_look() {
    const RUNS: usize = 20;
    const LOOKERS: usize = 2;
    let region = Region::new();
    let course = Course::of(&region, "many", MANY);
    assert!(course.lab(&["region", "start"]).status.success());
    let journal = course.state().join("labs/default/journal.jsonl");
    let (done, looks) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..LOOKERS {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    // `--again` takes a lab away between two looks: what it says then is of no matter here.
                    let _ = course.lab(&["status"]);
                    looks.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let runs = || {
            for run in 0..RUNS {
                let output = course.lab(&["run", "many", "--again", "--quiet"]);
                assert!(output.status.success(), "run {run}: {}", told(&output));
                let text = fs::read_to_string(&journal).expect("a journal");
                let entries: Vec<Entry> =
                    text.lines().map(|line| serde_json::from_str(line).expect("a whole line")).collect();
                let count = |is: fn(&Entry) -> bool| entries.iter().filter(|entry| is(entry)).count();
                assert_eq!(
                    [
                        count(|entry| matches!(entry, Entry::Intended { .. })),
                        count(|entry| matches!(entry, Entry::Created { .. })),
                        count(|entry| matches!(entry, Entry::Deleted { .. })),
                    ],
                    [20, 20, 20],
                    "run {run}"
                );
                assert_eq!(read_living(&journal).expect("reads"), Vec::<String>::new());
            }
        };
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(runs));
        done.store(true, Ordering::Relaxed);
        if let Err(panic) = result {
            std::panic::resume_unwind(panic);
        }
    });
    assert!(looks.load(Ordering::Relaxed) > RUNS, "somebody looked all the time");
}

#[test]
fn nothing_stays_of_a_lab_that_only_programs_outside_used() {
    let region = Region::new();
    let course = Course::of(&region, "small", SMALL);
    let labs = course.state().join("labs");
    let names = || {
        let entries = fs::read_dir(&labs).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        names.sort();
        names
    };
    let well = |arguments: &[&str]| {
        let output = course.lab(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
        told(&output)
    };
    well(&["region", "env", "--lab", "seat-1"]);
    assert_eq!(names(), ["seat-1"]);
    assert!(well(&["down", "--lab", "seat-1"]).contains("is removed"));
    assert!(names().is_empty());
    assert!(well(&["down", "--lab", "seat-1"]).contains("nothing to take away"));
    // Also when the region does not run at that moment, and with all others.
    well(&["region", "env", "--lab", "seat-2"]);
    well(&["region", "env", "--lab", "seat-3"]);
    well(&["run", "small", "--lab", "mine"]);
    well(&["region", "stop"]);
    assert!(well(&["down", "--lab", "seat-2"]).contains("is removed"));
    assert_eq!(names(), ["mine", "seat-3"]);
    well(&["down", "--all"]);
    assert!(names().is_empty(), "{:?}", names());
    let status = course.lab(&["region", "status", "--json"]);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).expect("JSON");
    assert_eq!(status["labs"], serde_json::json!([]));
    // A reset takes the directories along, but for those that `lab down` has to clear.
    well(&["region", "env", "--lab", "seat-4"]);
    well(&["run", "small", "--lab", "mine"]);
    well(&["region", "reset", "--yes"]);
    assert_eq!(names(), ["mine"]);
    well(&["down", "--lab", "mine"]);
    // What is refused leaves nothing either.
    for arguments in [&["ssh", "web"][..], &["shell"], &["status", "--lab", "x"], &["run", "none"]] {
        assert!(!course.lab(arguments).status.success());
    }
    assert!(names().is_empty(), "{:?}", names());
}

#[test]
fn nothing_else_writes_to_standard_output_or_error() {
    let mut open = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut wrong = Vec::new();
    let mut seen = 0;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).expect("lists").flatten().map(|entry| entry.path()));
            continue;
        }
        let mut text = String::new();
        fs::File::open(&path).and_then(|mut file| file.read_to_string(&mut text)).expect("readable");
        seen += 1;
        if path.ends_with("src/output.rs") {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in
            code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            if ["print!(", "println!(", "eprint!(", "eprintln!("].iter().any(|word| line.contains(word)) {
                wrong.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(seen > 300, "only {seen} files were found: the test looks in the wrong place");
    assert!(wrong.is_empty(), "say!, ask! or remark! of `output` instead:\n{}", wrong.join("\n"));
}
