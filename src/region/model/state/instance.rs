//! Instances.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tags;

/// An instance. Its interfaces and volumes are in their own tables and name it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// `i-…`
    pub id: String,
    /// `r-…`
    pub reservation_id: String,
    pub image_id: String,
    /// For example `t3.micro`; memory and processors by `catalog::instance_type`.
    pub instance_type: String,
    pub key_name: Option<String>,
    /// The `authorized_keys` line of the key pair at launch.
    pub public_key: Option<String>,
    /// Base64, as given.
    pub user_data: Option<String>,
    pub state: InstanceState,
    /// Grows with each boot that was asked for: launch (1), start, reboot. A guest that runs with a lower
    /// number must be booted again.
    pub boot: u64,
    /// Why the instance is not running.
    pub state_reason: Option<StateReason>,
    /// `StateTransitionReason`, empty while all is well.
    pub transition_reason: String,
    pub launch_time: Timestamp,
    pub launch_index: u32,
    pub vpc_id: String,
    pub subnet_id: String,
    pub zone: String,
    pub source_dest_check: bool,
    pub ebs_optimized: bool,
    pub monitoring: bool,
    pub disable_api_termination: bool,
    pub disable_api_stop: bool,
    /// Whether a shutdown from inside terminates (otherwise stops) it.
    pub terminate_on_shutdown: bool,
    pub metadata_options: MetadataOptions,
    /// `/dev/xvda`
    pub root_device: String,
    pub iam_profile: Option<String>,
    pub client_token: String,
    /// Name of the guest as resolvable in its VPC, for example `ip-10-0-1-10.ec2.internal`.
    pub private_dns_name: String,
    /// What the guest side has reported of the present boot.
    pub guest: Guest,
    /// When it was terminated, for forgetting it later.
    pub terminated: Option<Timestamp>,
    pub tags: Tags,
}

/// Where an instance is in its life. `Pending`, `Stopping` and `ShuttingDown` end by observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    Pending,
    Running,
    ShuttingDown,
    Terminated,
    Stopping,
    Stopped,
}

impl InstanceState {
    /// EC2's number for it.
    pub fn code(self) -> i64 {
        match self {
            InstanceState::Pending => 0,
            InstanceState::Running => 16,
            InstanceState::ShuttingDown => 32,
            InstanceState::Terminated => 48,
            InstanceState::Stopping => 64,
            InstanceState::Stopped => 80,
        }
    }

    /// EC2's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            InstanceState::Pending => "pending",
            InstanceState::Running => "running",
            InstanceState::ShuttingDown => "shutting-down",
            InstanceState::Terminated => "terminated",
            InstanceState::Stopping => "stopping",
            InstanceState::Stopped => "stopped",
        }
    }

    /// Whether a guest should be running (with [`Instance::boot`] as its boot number).
    pub fn wants_to_run(self) -> bool {
        matches!(self, InstanceState::Pending | InstanceState::Running)
    }

    /// Whether the guest and its disk should be gone.
    pub fn wants_to_be_gone(self) -> bool {
        matches!(self, InstanceState::ShuttingDown | InstanceState::Terminated)
    }
}

/// `StateReason` as EC2 shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateReason {
    pub code: String,
    pub message: String,
}

/// What was observed of an instance's guest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Guest {
    /// The boot number that the guest side last reported as booted.
    pub booted: u64,
    /// The instance check (the guest is reachable) and the system check.
    pub check: CheckStatus,
    pub checked_since: Option<Timestamp>,
    /// Everything that appeared on the console, at most the last 64 KiB.
    pub console: String,
    pub console_at: Option<Timestamp>,
}

/// Result of the status checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckStatus {
    #[default]
    Initializing,
    Ok,
    Impaired,
}

/// `MetadataOptions` of an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetadataOptions {
    /// IMDSv2 only.
    pub tokens_required: bool,
    /// The TTL of answers to a token request, 1 to 64.
    pub hop_limit: u8,
    pub enabled: bool,
    pub ipv6: bool,
    pub tags: bool,
}
