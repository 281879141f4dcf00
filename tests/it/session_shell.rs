//! The protocol of a persistent shell, on this machine.

use std::sync::Arc;

use lab::session::LocalMachine;

use crate::session_checks::Subject;

async fn subject() -> (Subject, tempfile::TempDir) {
    let home = tempfile::tempdir().expect("a directory");
    (Subject::new(Arc::new(LocalMachine::new(home.path())), home.path().to_owned()), home)
}

crate::session_checks!(subject);
