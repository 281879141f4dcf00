//! A user's home directory with a region of that user, as it is after `sudo` has started the daemon.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use lab::region::client::Paths;
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, umask};
use nix::unistd::Pid;

use crate::course::{share_images, told};

/// Who owns the home directory. No account has these numbers.
pub const OWNER: u32 = 41_001;
/// Who lives next door.
pub const NEIGHBOUR: u32 = 41_002;

/// Does something as another user: on a thread of its own, whose user is another from then on.
pub fn as_user<T: Send>(uid: u32, act: impl FnOnce() -> T + Send) -> T {
    let acting = || {
        // SAFETY: plain system calls, which change this thread alone; the library's functions would change them all.
        let changed = unsafe {
            libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<libc::gid_t>()) == 0
                && libc::syscall(libc::SYS_setresgid, uid, uid, uid) == 0
                && libc::syscall(libc::SYS_setresuid, uid, uid, uid) == 0
        };
        assert!(changed, "this test takes root: {}", io::Error::last_os_error());
        act()
    };
    std::thread::scope(|scope| scope.spawn(acting).join().expect("no panic"))
}

/// A home directory that everybody may enter and read, as far as nobody closes what is in it.
pub struct Home {
    directory: tempfile::TempDir,
    umask: Mode,
}

impl Home {
    /// One whose owner works with this umask.
    pub fn new(mask: u32) -> Home {
        let directory = tempfile::Builder::new().prefix("lab-home-").tempdir().expect("a directory");
        let home = Home { directory, umask: Mode::from_bits_truncate(mask) };
        let shared = Paths::from_environment().expect("a home directory").cache;
        for below in [".local/state/lab", ".cache/lab", "bin", "course/lessons"] {
            fs::create_dir_all(home.path().join(below)).expect("a directory");
        }
        share_images(&shared, &home.paths().cache);
        // The same file under a name that this user can reach: it is the same build.
        let program = Path::new(env!("CARGO_BIN_EXE_lab"));
        if fs::hard_link(program, home.program()).is_err() {
            let copied = Command::new("cp").arg("-p").arg(program).arg(home.program()).status();
            assert!(copied.expect("cp runs").success());
        }
        for below in ["", ".local", ".local/state", ".local/state/lab", ".cache", ".cache/lab", "course"] {
            let path = home.path().join(below);
            chown(&path, Some(OWNER), Some(OWNER)).expect("given to its owner");
            fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("open");
        }
        home
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn program(&self) -> PathBuf {
        self.path().join("bin/lab")
    }

    pub fn paths(&self) -> Paths {
        Paths { state: self.path().join(".local/state/lab"), cache: self.path().join(".cache/lab") }
    }

    /// What root does when the owner starts the region with `sudo`.
    pub fn start(&self) -> Output {
        let (paths, mask) = (self.paths(), self.umask);
        let mut command = Command::new(self.program());
        command.arg("region-daemon").arg("--state").arg(&paths.state).arg("--cache").arg(&paths.cache);
        command.arg("--owner").arg(format!("{OWNER}:{OWNER}")).stdin(Stdio::null());
        // SAFETY: one system call.
        unsafe {
            command.pre_exec(move || {
                umask(mask);
                Ok(())
            })
        };
        command.output().expect("the daemon's verb runs")
    }

    /// `lab` as its owner runs it.
    pub fn lab(&self, arguments: &[&str]) -> Command {
        let mask = self.umask;
        let mut command = Command::new(self.program());
        command.args(arguments).current_dir(self.path().join("course")).uid(OWNER).gid(OWNER);
        command.env_clear().env("HOME", self.path()).env("PATH", "/usr/bin:/bin").env("NO_COLOR", "1");
        command.stdin(Stdio::null());
        // SAFETY: one system call.
        unsafe {
            command.pre_exec(move || {
                umask(mask);
                Ok(())
            })
        };
        command
    }

    /// The same, and it goes well.
    pub fn well(&self, arguments: &[&str]) -> String {
        let output = self.lab(arguments).output().expect("lab starts");
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Adds a lesson to the owner's course.
    pub fn lesson(&self, id: &str, text: &str) {
        let lessons = self.path().join("course/lessons");
        fs::write(lessons.join(format!("{id}.md")), text).expect("written");
        let mut summary =
            fs::read_to_string(lessons.join("SUMMARY.md")).unwrap_or("# Summary\n\n".to_owned());
        summary.push_str(&format!("- [{id}]({id}.md)\n"));
        fs::write(lessons.join("SUMMARY.md"), summary).expect("written");
    }

    /// Starts `lab` and waits until the laptop of this lab has a file `began`.
    pub fn begin(&self, lab: &str, mut command: Command) -> Child {
        let output = fs::File::create(self.path().join(format!("{lab}.out"))).expect("a file");
        command.stderr(output.try_clone().expect("a copy")).stdout(output);
        let child = command.spawn().expect("lab starts");
        let began = self.paths().lab_home(lab).join("began");
        let deadline = Instant::now() + Duration::from_secs(60);
        while !began.exists() {
            let told = fs::read_to_string(self.path().join(format!("{lab}.out"))).unwrap_or_default();
            assert!(Instant::now() < deadline, "the block does not begin: {told}");
            std::thread::sleep(Duration::from_millis(20));
        }
        child
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Also where a test has moved the way to its socket: its front is known by its command line, in which the program
        // of this directory alone stands.
        let program = self.program();
        let is_front = |line: &[u8]| {
            let mut parts = line.split(|byte| *byte == 0);
            parts.next() == Some(program.as_os_str().as_encoded_bytes())
                && parts.next() == Some(b"region-front")
        };
        let fronts = || {
            let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
            let numbered = processes.filter_map(|process| process.file_name().to_str()?.parse::<i32>().ok());
            let is_ours =
                |pid: &i32| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| is_front(&line));
            numbered.filter(is_ours).collect::<Vec<_>>()
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while let [front, ..] = fronts()[..] {
            let _ = kill(Pid::from_raw(front), Signal::SIGTERM);
            if Instant::now() > deadline {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
