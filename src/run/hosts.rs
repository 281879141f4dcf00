//! What the host names of a lesson mean: running instances, found by `Name` tag.

use std::sync::Arc;

use aws_sdk_ec2::Client;

use crate::aws::inventory;
use crate::name::HostName;
use crate::run::keys;
use crate::secret::Secrets;
use crate::session::{BoxFuture, Machine, Resolve, ResolveError, Target};

/// Resolves names over the cloud's inventory and the laptop's key files.
pub struct Hosts {
    ec2: Client,
    laptop: Arc<dyn Machine>,
    secrets: Secrets,
}

impl Hosts {
    /// Over this client and this laptop, whose private keys go to `secrets`.
    pub fn new(ec2: Client, laptop: Arc<dyn Machine>, secrets: Secrets) -> Self {
        Self { ec2, laptop, secrets }
    }

    async fn target(&self, host: &str, via: Option<&str>) -> Result<Target, ResolveError> {
        let name = HostName::new(host).map_err(|error| ResolveError(error.to_string()))?;
        let found =
            inventory::find(&self.ec2, &name).await.map_err(|error| ResolveError(error.to_string()))?;
        let address = match (via, found.public_address) {
            (Some(_), _) => found.private_address,
            (None, Some(public)) => public,
            (None, None) => {
                return Err(ResolveError(format!(
                    "reach `{host}` from the laptop: it has no public address (add `via=` with a host that has one)"
                )));
            }
        };
        let Some(key_name) = found.key_name else {
            return Err(ResolveError(format!(
                "log in to `{host}`: {} was started without a key pair",
                found.instance_id
            )));
        };
        let public = found.public_key.ok_or_else(|| {
            ResolveError(format!("log in to `{host}`: the key pair `{key_name}` does not exist any more"))
        })?;
        let files = keys::on_laptop(&self.laptop)
            .await
            .map_err(|error| ResolveError(format!("look for key files on the laptop: {error}")))?;
        files.iter().for_each(|file| self.secrets.add_key(&file.text));
        let key = keys::matching(files, &public).ok_or_else(|| {
            ResolveError(format!(
                "log in to `{host}`: no key file in the laptop's home (*.pem, *.key, .ssh) belongs to the key pair `{key_name}`"
            ))
        })?;
        Ok(Target {
            instance: found.instance_id,
            address: address.to_string(),
            port: 22,
            user: found.user,
            key,
        })
    }
}

impl Resolve for Hosts {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        via: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Target, ResolveError>> {
        Box::pin(self.target(host, via))
    }

    fn console_output<'a>(&'a self, instance: &'a str) -> BoxFuture<'a, Result<String, ResolveError>> {
        Box::pin(async move {
            inventory::console(&self.ec2, instance).await.map_err(|error| ResolveError(error.to_string()))
        })
    }
}
