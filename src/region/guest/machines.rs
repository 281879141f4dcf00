//! Guests as the machines that reconciling asks for.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{GuestSpec, Guests};
use crate::region::reconcile::{MachineError, MachineSpec, Machines};

/// [`Guests`] with the one image that there is.
#[derive(Debug)]
pub struct GuestMachines {
    guests: Guests,
    image: PathBuf,
    additions: PathBuf,
}

impl GuestMachines {
    /// Machines whose disks are laid over the files at `additions` and the system at `image`.
    pub fn new(guests: Guests, image: PathBuf, additions: PathBuf) -> GuestMachines {
        GuestMachines { guests, image, additions }
    }

    /// What has come out of a machine's console since this was last asked.
    pub fn new_console_text(&self, machine: &str) -> Option<String> {
        self.guests.new_console_text(machine)
    }
}

impl Machines for GuestMachines {
    fn start(&mut self, spec: MachineSpec) -> Result<(), MachineError> {
        let user_data = spec.user_data.map(|data| BASE64.decode(data.split_whitespace().collect::<String>()));
        let user_data = user_data.transpose().map_err(|error| MachineError {
            doing: "start",
            instance_id: spec.instance_id.clone(),
            reason: format!("its user data is not base64: {error}"),
        })?;
        self.guests.start(GuestSpec {
            id: spec.namespace.clone(),
            instance: spec.instance_id,
            hostname: spec.hostname,
            domain: spec.domain,
            address: spec.address.addr(),
            resolver: spec.nameserver,
            namespace: spec.namespace,
            image: self.image.clone(),
            additions: self.additions.clone(),
            login: "admin".to_owned(),
            authorized_keys: spec.authorized_keys,
            user_data,
            memory_mib: memory_mib(&spec.instance_type),
        });
        Ok(())
    }

    fn stop(&mut self, machine: &str) -> Result<(), MachineError> {
        self.guests.stop(machine);
        Ok(())
    }

    fn reboot(&mut self, machine: &str) -> Result<(), MachineError> {
        self.guests.reboot(machine);
        Ok(())
    }

    fn destroy(&mut self, machine: &str) -> Result<(), MachineError> {
        self.guests.destroy(machine);
        Ok(())
    }
}

/// Upper limit of a guest's memory by the size in its type's name. Below 2 GiB would be true to the smallest types,
/// but package caches of a guest count here and not there.
fn memory_mib(instance_type: &str) -> u64 {
    match instance_type.split_once('.').map(|(_, size)| size) {
        Some("nano" | "micro" | "small") => 2048,
        Some("medium") => 4096,
        _ => 8192,
    }
}
