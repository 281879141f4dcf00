//! What the kernel side reports back. Transitional states (`pending`, `stopping`, `shutting-down`) end here, when
//! the machine really got there, and nowhere else.

use jiff::Timestamp;

use super::state::State;

/// Something that was seen to have happened to a machine or a gateway.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// The guest runs (its init has started): `pending` becomes `running`, status checks start.
    /// `boot` is the [`super::Instance::boot`] that was acted on.
    InstanceBooted { instance_id: String, boot: u64 },
    /// The guest answers (SSH banner seen, system up): both status checks become `ok`.
    InstanceReady { instance_id: String, boot: u64 },
    /// The guest runs and does not answer.
    InstanceImpaired { instance_id: String },
    /// The guest has powered off, by request or from inside.
    InstanceStopped { instance_id: String },
    /// The guest and its disk are gone.
    InstanceTerminated { instance_id: String },
    /// The guest could not be started: `pending` becomes `terminated` (or `stopped` after a start).
    InstanceFailed { instance_id: String, message: String },
    /// More text on the console.
    Console { instance_id: String, text: String },
    /// The gateway forwards: `pending` becomes `available`.
    NatGatewayUp { nat_gateway_id: String },
    /// The gateway could not be made.
    NatGatewayFailed { nat_gateway_id: String, code: String, message: String },
    /// The gateway's namespace is gone: `deleting` becomes `deleted`.
    NatGatewayGone { nat_gateway_id: String },
    /// The daemon has restarted: every guest has lost power and has to boot again.
    PowerCut,
}
