//! The command with which a person gets to where a block runs.

use crate::lesson::Block;
use crate::name::Os;
use crate::snapshot::Record;

/// The name under which a runner may record the command as it was, with addresses.
const RECORDED: &str = "ssh";

/// The command; none for the laptop, where nobody has to go.
pub(super) fn command(block: &Block, record: Option<&Record>) -> Option<String> {
    let host = block.host().filter(|host| !host.is_laptop())?;
    let extra = record.and_then(|record| record.origin.extra.iter().find(|(name, _)| name == RECORDED));
    if let Some((_, command)) = extra {
        return Some(command.clone());
    }
    let user = user(block.os.unwrap_or_default());
    Some(match block.via() {
        Some(via) => format!("ssh -J {user}@{via} {user}@{host}"),
        None => format!("ssh {user}@{host}"),
    })
}

/// The login user of the system's image.
fn user(os: Os) -> &'static str {
    match os {
        Os::Debian => "admin",
        Os::Al2023 => "ec2-user",
    }
}
