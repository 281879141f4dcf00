//! The way from what is to what should be, as a list of steps.
//!
//! The order is what keeps packets flowing and doors shut: a router has its rules before its first link; new routes
//! and rules stand before old ones go; filters change before links are cut; flows are forgotten last, when nothing
//! can bring them back.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;

use super::change::Change;
use super::desired::{Cable, Desired, End, Namespace};
use super::ruleset::Ruleset;
use super::script;

/// What has to be done, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// After these, every new namespace has its links, addresses and routes: a system can start in it.
    pub build: Vec<Step>,
    /// The rest: filters, and the end of what is not wanted any more.
    pub settle: Vec<Step>,
}

/// One thing that the kernel side is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub namespace: String,
    pub action: Action,
}

/// What to do in a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make it, with these settings.
    Create(Vec<(String, String)>),
    /// One batch.
    Ip(Vec<Change>),
    /// One transaction, and the ruleset that is there afterwards.
    Nft { script: String, ruleset: Ruleset },
    /// Cut tracked flows; afterwards these are the addresses that flows belong to.
    Forget { addresses: Vec<Ipv4Addr>, flows: BTreeMap<Ipv4Addr, String> },
    /// Remove it.
    Delete,
}

/// Plans the way from `old`, which is there, to `new`.
pub fn plan(old: &Desired, new: &Desired) -> Plan {
    let mut plan = Plan::default();
    for (name, namespace) in &new.namespaces {
        if old.namespaces.contains_key(name) {
            continue;
        }
        plan.build.push(Step::new(name, Action::Create(namespace.sysctls.clone())));
        let ruleset = namespace.ruleset.without_devices();
        if !ruleset.tables.is_empty() {
            let script = script::between(&Ruleset::default(), &ruleset);
            plan.build.push(Step::new(name, Action::Nft { script, ruleset }));
        }
    }
    let replaced = replaced(old, new);
    for name in near_first(new) {
        let changes = changes(name, old, new, &replaced);
        if !changes.is_empty() {
            plan.build.push(Step::new(name, Action::Ip(changes)));
        }
    }
    for (name, namespace) in &new.namespaces {
        let without;
        let before = match old.namespaces.get(name) {
            Some(before) => &before.ruleset,
            None => {
                without = namespace.ruleset.without_devices();
                &without
            }
        };
        let script = script::between(before, &namespace.ruleset);
        if !script.is_empty() {
            let ruleset = namespace.ruleset.clone();
            plan.settle.push(Step::new(name, Action::Nft { script, ruleset }));
        }
    }
    cuts(old, new, &mut plan.settle);
    for (name, before) in &old.namespaces {
        match new.namespaces.get(name) {
            Some(now) if now.flows != before.flows => {
                let stays = |(address, owner): &(&Ipv4Addr, &String)| now.flows.get(*address) != Some(*owner);
                let addresses = before.flows.iter().filter(stays).map(|(address, _)| *address).collect();
                let flows = now.flows.clone();
                plan.settle.push(Step::new(name, Action::Forget { addresses, flows }));
            }
            Some(_) => {}
            None => plan.settle.push(Step::new(name, Action::Delete)),
        }
    }
    for (name, now) in new.namespaces.iter().filter(|(name, _)| !old.namespaces.contains_key(*name)) {
        if !now.flows.is_empty() {
            let flows = now.flows.clone();
            plan.settle.push(Step::new(name, Action::Forget { addresses: Vec::new(), flows }));
        }
    }
    plan
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.build.is_empty() && self.settle.is_empty()
    }
}

impl Step {
    fn new(namespace: &str, action: Action) -> Self {
        Self { namespace: namespace.to_owned(), action }
    }
}

/// Names of namespaces, the near end of every cable before the far one: a far link exists once the near one is made.
fn near_first(new: &Desired) -> Vec<&str> {
    let mut waiting: BTreeSet<&str> = new.namespaces.keys().map(String::as_str).collect();
    let mut order = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let far: BTreeSet<&str> = new
            .cables
            .iter()
            .filter(|(near, _)| waiting.contains(near.namespace.as_str()))
            .map(|(_, cable)| cable.far.namespace.as_str())
            .collect();
        let ready: Vec<&str> = waiting.iter().copied().filter(|name| !far.contains(name)).collect();
        // Cables in a circle have no right order; the failed lines of a first pass are made by the next.
        let ready = if ready.is_empty() { waiting.iter().copied().collect() } else { ready };
        for name in &ready {
            waiting.remove(name);
        }
        order.extend(ready);
    }
    order
}

/// Ends of cables that have to be made anew.
fn replaced<'a>(old: &'a Desired, new: &'a Desired) -> Vec<&'a End> {
    let other = |(near, cable): &(&End, &Cable)| new.cables.get(*near).is_some_and(|now| now != *cable);
    old.cables.iter().filter(other).flat_map(|(near, cable)| [near, &cable.far]).collect()
}

/// What one namespace needs of `ip`, but for cables that go.
fn changes(name: &str, old: &Desired, new: &Desired, replaced: &[&End]) -> Vec<Change> {
    let mut was = old.namespaces.get(name).map_or_else(|| Cow::Owned(Namespace::default()), Cow::Borrowed);
    for end in replaced.iter().filter(|end| end.namespace == name) {
        // All that hangs on it goes with it: plan as if it were cut already.
        was.to_mut().detach(&end.link);
    }
    let now = &new.namespaces[name];
    let mut changes = Vec::new();
    for (near, cable) in new.cables.iter().filter(|(near, _)| near.namespace == name) {
        match old.cables.get(near) {
            Some(existing) if existing == cable => {}
            Some(_) => {
                changes.extend([Change::Cut(near.clone()), Change::Connect(near.clone(), cable.clone())])
            }
            None => changes.push(Change::Connect(near.clone(), cable.clone())),
        }
    }
    changes.extend(now.addresses.difference(&was.addresses).cloned().map(Change::AddAddress));
    changes.extend(now.up.difference(&was.up).cloned().map(Change::Raise));
    let neighbours = now.neighbours.iter().filter(|(key, mac)| was.neighbours.get(*key) != Some(mac));
    changes.extend(neighbours.map(|(key, mac)| Change::SetNeighbour(key.clone(), mac.clone())));
    let routes = now.routes.iter().filter(|(key, action)| was.routes.get(*key) != Some(action));
    changes.extend(routes.map(|(key, action)| Change::SetRoute(*key, action.clone())));
    let moved = |(mark, table): &(&u32, &u32)| was.marks.get(*mark) != Some(*table);
    changes.extend(now.marks.iter().filter(moved).map(|(mark, table)| Change::AddMark(*mark, *table)));
    let left = |(mark, table): &(&u32, &u32)| now.marks.get(*mark) != Some(*table);
    changes.extend(was.marks.iter().filter(left).map(|(mark, table)| Change::RemoveMark(*mark, *table)));
    // What hangs on a link that is cut goes with it.
    let stays = |link: &str| new.has_link(name, link);
    let routes = was
        .routes
        .iter()
        .filter(|(key, action)| !now.routes.contains_key(*key) && action.link().is_none_or(stays));
    changes.extend(routes.map(|(key, action)| Change::RemoveRoute(*key, action.clone())));
    let neighbours =
        was.neighbours.keys().filter(|key| !now.neighbours.contains_key(*key) && stays(&key.link));
    changes.extend(neighbours.cloned().map(Change::RemoveNeighbour));
    let addresses = was.addresses.difference(&now.addresses).filter(|address| stays(&address.link));
    changes.extend(addresses.cloned().map(Change::RemoveAddress));
    changes
}

/// Cables that are not wanted any more, by the namespace of their near end.
fn cuts(old: &Desired, new: &Desired, steps: &mut Vec<Step>) {
    let mut gone: BTreeMap<&str, Vec<Change>> = BTreeMap::new();
    for near in old.cables.keys().filter(|near| !new.cables.contains_key(*near)) {
        gone.entry(&near.namespace).or_default().push(Change::Cut(near.clone()));
    }
    steps.extend(gone.into_iter().map(|(name, changes)| Step::new(name, Action::Ip(changes))));
}

impl Desired {
    fn has_link(&self, namespace: &str, link: &str) -> bool {
        link == "lo"
            || self.cables.contains_key(&End::new(namespace, link))
            || self.cables.values().any(|cable| cable.far.namespace == namespace && cable.far.link == link)
    }

    /// Notes that a step, other than a batch, was done.
    pub fn note_step(&mut self, step: &Step) {
        match &step.action {
            Action::Create(sysctls) => {
                let namespace = Namespace { sysctls: sysctls.clone(), ..Namespace::default() };
                self.namespaces.insert(step.namespace.clone(), namespace);
            }
            Action::Delete => self.drop_namespace(&step.namespace),
            Action::Ip(changes) => changes.iter().for_each(|change| self.note(&step.namespace, change)),
            Action::Nft { ruleset, .. } => {
                if let Some(namespace) = self.namespaces.get_mut(&step.namespace) {
                    namespace.ruleset = ruleset.clone();
                }
            }
            Action::Forget { flows, .. } => {
                if let Some(namespace) = self.namespaces.get_mut(&step.namespace) {
                    namespace.flows = flows.clone();
                }
            }
        }
    }
}

impl Ruleset {
    /// Without the chains of single links, which the kernel may refuse while the link is not there.
    fn without_devices(&self) -> Self {
        let mut ruleset = self.clone();
        for table in ruleset.tables.values_mut() {
            table
                .chains
                .retain(|_, chain| !chain.hook.as_ref().is_some_and(|hook| hook.contains(" device ")));
        }
        ruleset
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.build.iter().chain(&self.settle).try_for_each(|step| step.fmt(out))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.namespace;
        match &self.action {
            Action::Create(_) => writeln!(out, "{name}: create"),
            Action::Delete => writeln!(out, "{name}: delete"),
            Action::Ip(changes) => changes.iter().try_for_each(|change| writeln!(out, "{name}: ip {change}")),
            Action::Nft { script, .. } => {
                script.lines().try_for_each(|line| writeln!(out, "{name}: nft {line}"))
            }
            Action::Forget { addresses, .. } => {
                addresses.iter().try_for_each(|address| writeln!(out, "{name}: forget {address}"))
            }
        }
    }
}
