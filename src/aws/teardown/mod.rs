//! Takes away what a session created, in the order that EC2's dependencies ask for.
//!
//! What is deleted is the union of the journal and the `lab:session` tag, and nothing else. A pass asks what is still
//! there and deletes it; errors do not end it. Things that free themselves slowly (instances, NAT gateways) or that EC2
//! refuses for a while (`DependencyViolation`, `AuthFailure` on an address whose gateway is still going) are met by further
//! passes. Teardown ends after two passes in a row that found nothing, because EC2's answers are eventually consistent, or at its
//! deadline: then what is left is named with its price.

mod machines;
mod network;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::Filter;

/// The tag that marks what a session created.
pub const SESSION_TAG: &str = "lab:session";

/// What is to be taken away.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Ids from the journal.
    pub ids: BTreeSet<String>,
    /// The value of the `lab:session` tag.
    pub session: String,
}

/// A resource that could not be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    pub id: String,
    /// The last error that EC2 gave for it.
    pub reason: String,
    /// What it costs a month, in US cents (us-east-1 list prices); 0 for what is free.
    pub cents_a_month: u32,
}

/// What teardown did.
#[derive(Debug, Clone, Default)]
pub struct TornDown {
    /// Ids that are gone now.
    pub deleted: Vec<String>,
    pub leftovers: Vec<Leftover>,
}

/// Tells what happens: one short line each.
pub trait Progress: Send + Sync {
    /// A resource was deleted, or is awaited.
    fn tell(&self, line: &str);
}

/// Why teardown could not even look.
#[derive(Debug, thiserror::Error)]
pub enum TeardownError {
    #[error("ask EC2 what is left: {code}")]
    Describe {
        code: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Deletes everything in `scope`. Returns after two empty passes, or when `deadline` is over.
pub async fn teardown(
    ec2: &Client,
    scope: &Scope,
    deadline: Duration,
    progress: &dyn Progress,
) -> Result<TornDown, TeardownError> {
    let started = Instant::now();
    let mut deleted = BTreeSet::new();
    let mut empty_passes = 0;
    let mut wait = Duration::from_millis(50);
    loop {
        let mut pass = Pass { ec2, scope, progress, deleted: &mut deleted, left: Vec::new() };
        pass.run().await?;
        let left = pass.left;
        if left.is_empty() {
            empty_passes += 1;
            if empty_passes == 2 {
                return Ok(TornDown { deleted: deleted.into_iter().collect(), leftovers: left });
            }
        } else {
            empty_passes = 0;
            if started.elapsed() > deadline {
                return Ok(TornDown { deleted: deleted.into_iter().collect(), leftovers: left });
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 3 / 2).min(Duration::from_secs(10));
    }
}

struct Pass<'a> {
    ec2: &'a Client,
    scope: &'a Scope,
    progress: &'a dyn Progress,
    deleted: &'a mut BTreeSet<String>,
    left: Vec<Leftover>,
}

/// Codes that say "it is gone".
fn is_gone(code: &str) -> bool {
    code.ends_with(".NotFound")
        || code.ends_with("NotFoundException")
        || code == "Gateway.NotAttached"
        || code == "NatGatewayNotFound"
}

fn code_of<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error.as_service_error() {
        Some(service) => service.code().unwrap_or("unknown").to_owned(),
        None => "request failed".to_owned(),
    }
}

fn described<E, R>(error: SdkError<E, R>) -> TeardownError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    TeardownError::Describe { code: code_of(&error), source: Box::new(error) }
}

impl Pass<'_> {
    /// Two looks at a kind, by tag and by journal; `filter` is the name of the id's filter.
    fn filters(&self, filter: &str, prefix: &str) -> Vec<Filter> {
        let mut filters =
            vec![Filter::builder().name(format!("tag:{SESSION_TAG}")).values(&self.scope.session).build()];
        let ids: Vec<String> = self.scope.ids.iter().filter(|id| id.starts_with(prefix)).cloned().collect();
        // EC2 takes at most 200 values a filter.
        for chunk in ids.chunks(200) {
            filters.push(Filter::builder().name(filter).set_values(Some(chunk.to_vec())).build());
        }
        filters
    }

    /// Notes how a deletion ended.
    fn settle<E: ProvideErrorMetadata, R, T>(
        &mut self,
        id: &str,
        cents: u32,
        result: Result<T, SdkError<E, R>>,
    ) {
        match result {
            Ok(_) => {
                self.deleted.insert(id.to_owned());
                self.progress.tell(&format!("deleted {id}"));
            }
            Err(error) => {
                let code = code_of(&error);
                if is_gone(&code) {
                    self.deleted.insert(id.to_owned());
                } else {
                    let reason = error
                        .as_service_error()
                        .and_then(|e| e.message())
                        .map_or(code.clone(), |m| format!("{code}: {m}"));
                    self.left.push(Leftover { id: id.to_owned(), reason, cents_a_month: cents });
                }
            }
        }
    }

    /// Notes something that is going but not gone.
    fn going(&mut self, id: &str, cents: u32, state: &str) {
        self.left.push(Leftover {
            id: id.to_owned(),
            reason: format!("still {state}"),
            cents_a_month: cents,
        });
    }

    async fn run(&mut self) -> Result<(), TeardownError> {
        // What is slow goes first, so that the rest happens while it is going.
        self.instances().await?;
        self.nat_gateways().await?;
        self.addresses().await?;
        self.network_interfaces().await?;
        self.peerings().await?;
        self.security_groups().await?;
        self.subnets().await?;
        self.route_tables().await?;
        self.network_acls().await?;
        self.internet_gateways().await?;
        self.vpcs().await?;
        self.key_pairs().await
    }
}
