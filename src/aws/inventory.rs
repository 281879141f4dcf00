//! What `lab` itself needs to know of the cloud: which running instance a host name means, and its console.
//!
//! Typed calls through `aws-sdk-ec2`; operations that a lesson types go through [`super::call`].

use std::net::Ipv4Addr;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::error::DisplayErrorContext;
use aws_sdk_ec2::types::{Filter, Instance};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::name::HostName;

/// A running instance, as needed to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningInstance {
    pub instance_id: String,
    pub private_address: Ipv4Addr,
    pub public_address: Option<Ipv4Addr>,
    /// The login user of its image.
    pub user: String,
    /// Name of the key pair, and its public half in OpenSSH form.
    pub key_name: Option<String>,
    pub public_key: Option<String>,
}

/// Why a host cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    #[error("find an instance named `{host}`: none exists{others}")]
    NoSuchHost { host: String, others: String },
    #[error("find the running instance named `{host}`: {id} is {state}")]
    NotRunning { host: String, id: String, state: String },
    #[error("find the instance named `{host}`: {count} running instances have this name ({ids})")]
    Ambiguous { host: String, count: usize, ids: String },
    #[error("ask EC2: {0}")]
    Call(String),
}

fn call<E: std::error::Error>(error: E) -> InventoryError {
    InventoryError::Call(DisplayErrorContext(&error).to_string())
}

fn name_of(instance: &Instance) -> Option<&str> {
    instance.tags().iter().find(|tag| tag.key() == Some("Name")).and_then(|tag| tag.value())
}

fn state_of(instance: &Instance) -> &str {
    instance.state().and_then(|state| state.name()).map_or("in an unknown state", |name| name.as_str())
}

/// Finds the one running instance whose `Name` tag is `host`.
pub async fn find(ec2: &Client, host: &HostName) -> Result<RunningInstance, InventoryError> {
    let answer = ec2
        .describe_instances()
        .filters(
            Filter::builder()
                .name("instance-state-name")
                .set_values(Some(["pending", "running", "stopping", "stopped"].map(String::from).to_vec()))
                .build(),
        )
        .send()
        .await
        .map_err(call)?;
    let all: Vec<&Instance> = answer.reservations().iter().flat_map(|r| r.instances()).collect();
    let named: Vec<&Instance> = all.iter().copied().filter(|i| name_of(i) == Some(host.as_str())).collect();
    let running: Vec<&Instance> = named.iter().copied().filter(|i| state_of(i) == "running").collect();
    let instance = match (running.as_slice(), named.as_slice()) {
        ([one], _) => *one,
        ([], []) => {
            let mut names: Vec<&str> = all.iter().filter_map(|i| name_of(i)).collect();
            names.sort_unstable();
            let others = if names.is_empty() {
                "; no instance exists".to_owned()
            } else {
                format!("; there are: {}", names.join(", "))
            };
            return Err(InventoryError::NoSuchHost { host: host.to_string(), others });
        }
        ([], [first, ..]) => {
            return Err(InventoryError::NotRunning {
                host: host.to_string(),
                id: first.instance_id().unwrap_or_default().to_owned(),
                state: state_of(first).to_owned(),
            });
        }
        (several, _) => {
            let ids: Vec<&str> = several.iter().filter_map(|i| i.instance_id()).collect();
            return Err(InventoryError::Ambiguous {
                host: host.to_string(),
                count: ids.len(),
                ids: ids.join(", "),
            });
        }
    };
    let key_name = instance.key_name().map(str::to_owned);
    let public_key = match &key_name {
        Some(name) => public_key(ec2, name).await?,
        None => None,
    };
    Ok(RunningInstance {
        instance_id: instance.instance_id().unwrap_or_default().to_owned(),
        private_address: instance
            .private_ip_address()
            .and_then(|a| a.parse().ok())
            .unwrap_or(Ipv4Addr::UNSPECIFIED),
        public_address: instance.public_ip_address().and_then(|a| a.parse().ok()),
        user: login_user(ec2, instance.image_id().unwrap_or_default()).await?,
        key_name,
        public_key,
    })
}

async fn public_key(ec2: &Client, name: &str) -> Result<Option<String>, InventoryError> {
    let answer = ec2
        .describe_key_pairs()
        .filters(Filter::builder().name("key-name").values(name).build())
        .include_public_key(true)
        .send()
        .await
        .map_err(call)?;
    Ok(answer.key_pairs().first().and_then(|pair| pair.public_key()).map(str::to_owned))
}

/// The user that an image's makers chose for the first login, told by the image's name.
async fn login_user(ec2: &Client, image: &str) -> Result<String, InventoryError> {
    let answer = ec2
        .describe_images()
        .filters(Filter::builder().name("image-id").values(image).build())
        .include_deprecated(true)
        .send()
        .await
        .map_err(call)?;
    let name = answer.images().first().and_then(|image| image.name()).unwrap_or_default().to_owned();
    Ok(user_for(&name).to_owned())
}

fn user_for(image_name: &str) -> &'static str {
    if image_name.starts_with("debian") {
        "admin"
    } else if image_name.starts_with("ubuntu") {
        "ubuntu"
    } else {
        // Amazon Linux, and most images that follow its example.
        "ec2-user"
    }
}

/// What the instance wrote on its console so far.
pub async fn console(ec2: &Client, instance_id: &str) -> Result<String, InventoryError> {
    let answer = ec2.get_console_output().instance_id(instance_id).latest(true).send().await;
    let answer = match answer {
        // `latest` is for Nitro instances only; others say so.
        Err(error)
            if error.as_service_error().is_some_and(|e| {
                aws_sdk_ec2::error::ProvideErrorMetadata::code(e) == Some("UnsupportedOperation")
            }) =>
        {
            ec2.get_console_output().instance_id(instance_id).send().await.map_err(call)?
        }
        other => other.map_err(call)?,
    };
    let text = STANDARD.decode(answer.output().unwrap_or_default()).unwrap_or_default();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_tell_their_login_user() {
        assert_eq!(user_for("debian-13-amd64-20261101-2287"), "admin");
        assert_eq!(user_for("al2023-ami-2023.12.20260724.0-kernel-6.12-x86_64"), "ec2-user");
    }
}
