//! Kernel settings of a namespace.

use std::fs;
use std::path::Path;

use super::{KernelError, namespace};

/// Writes settings by name, in the order given: `net.ipv4.conf.default.rp_filter` before links exist is their default.
pub(super) fn write(namespace: &str, settings: &[(String, String)]) -> Result<(), KernelError> {
    if settings.is_empty() {
        return Ok(());
    }
    namespace::enter(namespace, || {
        for (name, value) in settings {
            // Dots separate, as in sysctl(8); no interface whose name has a dot is ever set here.
            let file = Path::new("/proc/sys").join(name.replace('.', "/"));
            fs::write(&file, value)
                .map_err(|e| KernelError::io(format!("set {name} to {value:?}"), namespace, e))?;
        }
        Ok(())
    })?
}
