//! The protocol of a persistent shell, on this machine.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lab::session::{BoxFuture, Child, LocalMachine, Machine, Program};

use crate::session_checks::Subject;

async fn subject() -> (Subject, tempfile::TempDir) {
    let home = tempfile::tempdir().expect("a directory");
    (Subject::new(Arc::new(LocalMachine::new(home.path())), home.path().to_owned()), home)
}

crate::session_checks!(subject);

/// This machine with few programs on it.
struct Poor {
    machine: LocalMachine,
    programs: PathBuf,
}

impl Poor {
    fn new(home: &Path) -> Self {
        let programs = home.join("programs");
        std::fs::create_dir(&programs).expect("a directory");
        for name in
            ["bash", "cat", "ls", "grep", "head", "mkfifo", "mktemp", "rm", "sh", "sleep", "touch", "tr"]
        {
            let of = ["/usr/bin", "/bin"].map(|directory| Path::new(directory).join(name));
            let program = of.iter().find(|path| path.exists()).expect("installed everywhere");
            std::os::unix::fs::symlink(program, programs.join(name)).expect("a link");
        }
        Self { machine: LocalMachine::new(home), programs }
    }
}

impl Machine for Poor {
    fn spawn<'a>(&'a self, mut program: Program) -> BoxFuture<'a, io::Result<Child>> {
        program.env.push(("PATH".to_owned(), self.programs.display().to_string()));
        self.machine.spawn(program)
    }
}

/// The reporter is in the shell's session there, and must outlive what is ended in it.
#[tokio::test]
async fn a_machine_without_setsid_will_do() {
    use crate::session_checks as checks;
    let poor = || async {
        let home = tempfile::tempdir().expect("a directory");
        (Subject::new(Arc::new(Poor::new(home.path())), home.path().to_owned()), home)
    };
    let (mut subject, _home) = poor().await;
    let outcome = subject.run("type -P setsid || echo none").await;
    assert_eq!(outcome.output.to_text(), "none\n");
    let (subject, _home) = poor().await;
    checks::what_an_earlier_block_left_running_is_told_apart(subject).await;
    let (subject, _home) = poor().await;
    checks::an_interrupt_ends_the_block(subject).await;
    let (subject, _home) = poor().await;
    checks::a_killed_shell_is_replaced(subject).await;
    let (subject, _home) = poor().await;
    checks::a_block_that_leaves_without_a_word_has_its_status(subject).await;
}
