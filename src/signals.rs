//! Signals as a program finds them that starts at a login.
//!
//! What ignores a signal hands that on to all that it starts: in a `lab` that a script has left running in the background
//! nobody could end anything with Ctrl-C, and bash cannot take an ignored signal back.

use std::io;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction, sigprocmask};

/// Gives every signal its usual meaning, and lets all of them through. For the time between fork and exec: only system
/// calls.
///
/// # Errors
/// As the system says.
pub fn reset() -> io::Result<()> {
    let usual = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    for signal in Signal::iterator().filter(|signal| !matches!(signal, Signal::SIGKILL | Signal::SIGSTOP)) {
        // SAFETY: the usual action runs no code of ours.
        unsafe { sigaction(signal, &usual)? };
    }
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?;
    Ok(())
}
