//! Takes away what a session created, in the order that EC2's dependencies ask for.
//!
//! What is deleted is the union of the journal and the `lab:session` tag, and nothing else (but for what EC2 has made in
//! a default VPC of the journal). A pass asks what is still
//! there and deletes it; errors do not end it: a kind that cannot be asked about now is asked about again. Things that free themselves slowly (instances, NAT gateways) or that EC2
//! refuses for a while (`DependencyViolation`, `AuthFailure` on an address whose gateway is still going) are met by further
//! passes. Teardown ends after two passes in a row that found nothing, because EC2's answers are eventually consistent, or at its
//! deadline: then what is left is named with its price. So is everything in the journal that no pass has looked for.

mod error;
mod machines;
mod network;
mod storage;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::Filter;

use self::error::Unasked;

/// The tag that marks what a session created.
pub const SESSION_TAG: &str = "lab:session";

/// What is to be taken away.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Ids from the journal.
    pub ids: BTreeSet<String>,
    /// The value of the `lab:session` tag; `None`: nothing but the ids.
    pub session: Option<String>,
    /// The region's name, for messages.
    pub region: String,
}

/// A resource that could not be deleted, or a kind of which it is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The id, or such as `volumes in us-east-1`.
    pub id: String,
    /// The last error that EC2 gave for it.
    pub reason: String,
    /// What it costs a month, in US cents (us-east-1 list prices); 0 for what is free.
    pub cents_a_month: u32,
}

/// What teardown did.
#[derive(Debug, Clone, Default)]
pub struct TornDown {
    /// Ids that it saw go.
    pub deleted: Vec<String>,
    /// Those of the journal that are not there: these, and those that had gone before.
    pub gone: Vec<String>,
    pub leftovers: Vec<Leftover>,
}

/// Tells what happens: one short line each.
pub trait Progress: Send + Sync {
    /// A resource was deleted, or is awaited.
    fn tell(&self, line: &str);
}

/// Deletes everything in `scope`. Returns after two passes that found nothing that goes away by waiting, or when `deadline`
/// is over.
pub async fn teardown(ec2: &Client, scope: &Scope, deadline: Duration, progress: &dyn Progress) -> TornDown {
    let started = Instant::now();
    let mut deleted = BTreeSet::new();
    let mut told = BTreeSet::new();
    let mut empty_passes = 0;
    let mut wait = Duration::from_millis(50);
    loop {
        let mut pass = Pass {
            ec2,
            scope,
            progress,
            deleted: &mut deleted,
            looked: BTreeSet::new(),
            answered: false,
            left: Vec::new(),
            kept: Vec::new(),
            unasked: Vec::new(),
        };
        pass.run().await;
        for (kind, error) in pass.unasked.iter().filter(|(_, error)| error.passes) {
            if told.insert((*kind, error.reason.clone())) {
                progress.tell(&format!("EC2 does not answer for {kind} ({}), asked again", error.reason));
            }
        }
        if pass.left.is_empty() && !pass.unasked.iter().any(|(_, error)| error.passes) {
            empty_passes += 1;
        } else {
            empty_passes = 0;
        }
        if empty_passes == 2 || (empty_passes == 0 && started.elapsed() > deadline) {
            return pass.end();
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
    /// Those of the journal that this pass has looked for.
    looked: BTreeSet<String>,
    /// Whether EC2 has said of any kind what is there.
    answered: bool,
    /// What may be gone in the next pass.
    left: Vec<Leftover>,
    /// What goes with something else, or not at all.
    kept: Vec<Leftover>,
    /// Kinds that EC2 told nothing about.
    unasked: Vec<(&'static str, Unasked)>,
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

impl Pass<'_> {
    /// Two looks at a kind, by tag and by journal; `filter` is the name of the id's filter.
    fn filters(&self, filter: &str, prefix: &str) -> Vec<Filter> {
        let by_tag = |session| Filter::builder().name(format!("tag:{SESSION_TAG}")).values(session).build();
        let mut filters: Vec<Filter> = self.scope.session.iter().map(by_tag).collect();
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
                let message = error.as_service_error().and_then(|e| e.message());
                self.refused(id, cents, &code_of(&error), message);
            }
        }
    }

    /// Notes why something was not deleted.
    fn refused(&mut self, id: &str, cents: u32, code: &str, message: Option<&str>) {
        if is_gone(code) {
            self.deleted.insert(id.to_owned());
            return;
        }
        let reason = message.map_or(code.to_owned(), |message| format!("{code}: {message}"));
        self.left.push(Leftover { id: id.to_owned(), reason, cents_a_month: cents });
    }

    /// Notes something that stays as long as something else does.
    fn kept(&mut self, id: &str, reason: String) {
        self.kept.push(Leftover { id: id.to_owned(), reason, cents_a_month: 0 });
    }

    /// Notes something that is going but not gone.
    fn going(&mut self, id: &str, cents: u32, state: &str) {
        self.left.push(Leftover {
            id: id.to_owned(),
            reason: format!("still {state}"),
            cents_a_month: cents,
        });
    }

    async fn run(&mut self) {
        // What is slow goes first, so that the rest happens while it is going.
        let asked = self.instances().await;
        self.looked("instances", "i-", asked);
        let asked = self.nat_gateways().await;
        self.looked("NAT gateways", "nat-", asked);
        let asked = self.volumes().await;
        self.looked("volumes", "vol-", asked);
        let asked = self.flow_logs().await;
        self.looked_if_allowed("flow logs", "fl-", asked);
        let asked = self.addresses().await;
        self.looked("addresses", "eipalloc-", asked);
        let asked = self.network_interfaces().await;
        self.looked("network interfaces", "eni-", asked);
        let asked = self.peerings().await;
        self.looked_if_allowed("peering connections", "pcx-", asked);
        let asked = self.security_groups().await;
        self.looked("security groups", "sg-", asked);
        let asked = self.subnets().await;
        self.looked("subnets", "subnet-", asked);
        let asked = self.route_tables().await;
        self.looked("route tables", "rtb-", asked);
        let asked = self.network_acls().await;
        self.looked("network ACLs", "acl-", asked);
        let asked = self.internet_gateways().await;
        self.looked("internet gateways", "igw-", asked);
        let asked = self.vpcs().await;
        self.looked("VPCs", "vpc-", asked);
        // Held by the VPCs that use them.
        let asked = self.dhcp_options().await;
        self.looked_if_allowed("DHCP options", "dopt-", asked);
        let asked = self.key_pairs().await;
        self.looked("key pairs", "key-", asked);
    }

    /// Notes whether EC2 said which resources of a kind there are.
    fn looked(&mut self, kind: &'static str, prefix: &str, asked: Result<(), Unasked>) {
        match asked {
            Ok(()) => {
                self.answered = true;
                self.looked.extend(self.scope.ids.iter().filter(|id| id.starts_with(prefix)).cloned());
            }
            Err(error) => self.unasked.push((kind, error)),
        }
    }

    /// For kinds that few lessons make: who may not even ask has made none, unless the journal says so.
    fn looked_if_allowed(&mut self, kind: &'static str, prefix: &str, asked: Result<(), Unasked>) {
        let none = !self.scope.ids.iter().any(|id| id.starts_with(prefix));
        if !(none && asked.as_ref().is_err_and(|error| error.is_not_allowed)) {
            self.looked(kind, prefix, asked);
        }
    }

    fn end(self) -> TornDown {
        let Pass { scope, deleted, looked, answered, left, kept, unasked, .. } = self;
        let mut leftovers = left;
        leftovers.extend(kept);
        let named: BTreeSet<&str> = leftovers.iter().map(|leftover| leftover.id.as_str()).collect();
        let mut gone = deleted.clone();
        gone.extend(looked.iter().filter(|id| !named.contains(id.as_str())).cloned());
        gone.retain(|id| scope.ids.contains(id) && !named.contains(id.as_str()));
        let mut unknown: Vec<Leftover> = Vec::new();
        let unasked_for = |what: String, reason: &str| Leftover {
            id: format!("{what} in {}", scope.region),
            reason: format!("EC2 does not say what is there: {reason}"),
            cents_a_month: 0,
        };
        match unasked.first() {
            // Once is enough where nothing at all could be asked.
            Some((_, error)) if !answered => {
                unknown.push(unasked_for("everything".to_owned(), &error.reason));
            }
            _ => {
                for (kind, error) in &unasked {
                    unknown.push(unasked_for((*kind).to_owned(), &error.reason));
                }
                let never = scope.ids.iter().filter(|id| !gone.contains(*id) && !named.contains(id.as_str()));
                unknown.extend(never.map(|id| Leftover {
                    id: id.clone(),
                    reason: "never seen gone".to_owned(),
                    cents_a_month: 0,
                }));
            }
        }
        drop(named);
        leftovers.extend(unknown);
        TornDown { deleted: deleted.iter().cloned().collect(), gone: gone.into_iter().collect(), leftovers }
    }
}
