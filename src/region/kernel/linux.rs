use std::net::Ipv4Addr;

use super::{Kernel, KernelError, LineError, batch, conntrack, namespace, nft, sysctl};

/// The running kernel, by `ip`, `nft` and system calls. Needs to be root in a mount namespace of its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Linux;

impl Kernel for Linux {
    fn create_namespace(&mut self, namespace: &str, sysctls: &[(String, String)]) -> Result<(), KernelError> {
        namespace::create(namespace)?;
        sysctl::write(namespace, sysctls).inspect_err(|_| {
            // Half a namespace would be taken for a whole one; the next attempt starts from nothing.
            let _ = namespace::delete(namespace);
        })
    }

    fn delete_namespace(&mut self, namespace: &str) -> Result<(), KernelError> {
        namespace::delete(namespace)
    }

    fn ip(&mut self, namespace: &str, lines: &[String]) -> Result<Vec<LineError>, KernelError> {
        batch::run(namespace, lines)
    }

    fn nft(&mut self, namespace: &str, script: &str) -> Result<(), KernelError> {
        nft::run(namespace, script)
    }

    fn forget_flows(&mut self, namespace: &str, addresses: &[Ipv4Addr]) -> Result<(), KernelError> {
        conntrack::forget(namespace, addresses)
    }
}
