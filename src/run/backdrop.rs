//! What differs between clouds, and nothing else.

use std::sync::Arc;

use aws_types::SdkConfig;

use crate::run::lab::CloudKind;
use crate::session::{Dial, Machine};

/// The cloud behind a lab: three things differ between the local region and AWS, and all of them are here.
#[derive(Clone)]
pub struct Backdrop {
    pub cloud: CloudKind,
    /// The region's name.
    pub region: String,
    /// Endpoint and credentials.
    pub sdk: SdkConfig,
    /// How a TCP connection to an address is opened.
    pub dial: Arc<dyn Dial>,
    /// Where the laptop's shell runs.
    pub laptop: Arc<dyn Machine>,
    /// Exported in the laptop's shell: where `aws` finds the runner's socket, and such.
    pub laptop_env: Vec<(String, String)>,
}
