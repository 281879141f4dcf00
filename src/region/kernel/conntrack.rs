//! Tracked flows, forgotten.

use std::net::Ipv4Addr;
use std::process::Command;

use super::process::feed;
use super::{KernelError, namespace};

/// The four places in which a flow may carry an address: both ends, in both directions.
const ENDS: [&str; 4] = ["--orig-src", "--orig-dst", "--reply-src", "--reply-dst"];

pub(super) fn forget(namespace: &str, addresses: &[Ipv4Addr]) -> Result<(), KernelError> {
    if addresses.is_empty() {
        return Ok(());
    }
    namespace::enter(namespace, || {
        for address in addresses {
            for end in ENDS {
                delete(namespace, end, *address)?;
            }
        }
        Ok(())
    })?
}

fn delete(namespace: &str, end: &str, address: Ipv4Addr) -> Result<(), KernelError> {
    let mut program = Command::new("conntrack");
    program.args(["-D", "-f", "ipv4", end, &address.to_string()]);
    let output = feed("conntrack", program, namespace, "")?;
    let message = String::from_utf8_lossy(&output.stderr);
    // It also exits with 1 when there was no such flow, and says so.
    if output.status.success() || message.contains("0 flow entries") {
        return Ok(());
    }
    Err(KernelError::Refused {
        command: "conntrack",
        namespace: namespace.to_owned(),
        message: message.trim().to_owned(),
    })
}
