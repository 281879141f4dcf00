//! Passes with a kernel and machines that only write down what they are told.

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::*;
use crate::region::fabric;
use crate::region::fabric::sample::{self, id, region};
use crate::region::guest::{GuestEvent, GuestExit};
use crate::region::kernel::{Kernel, KernelError, LineError};
use crate::region::model::{InstanceState, NatGatewayState, Observation, Seen, State};

/// What was told, in order, by both; and which texts are refused.
#[derive(Debug, Clone, Default)]
struct Log {
    told: Rc<RefCell<Vec<String>>>,
    refused: Rc<RefCell<Vec<&'static str>>>,
}

impl Log {
    fn tell(&self, text: String) -> Result<(), String> {
        let refused = self.refused.borrow().iter().any(|part| text.contains(part));
        self.told.borrow_mut().push(text);
        if refused { Err("refused".to_owned()) } else { Ok(()) }
    }

    /// Everything since the last time.
    fn take(&self) -> Vec<String> {
        let prefix = format!("{}-", sample::ACCOUNT);
        self.told.take().into_iter().map(|text| text.replace(&prefix, "")).collect()
    }

    fn refuse(&self, parts: &[&'static str]) {
        *self.refused.borrow_mut() = parts.to_vec();
    }
}

impl Kernel for Log {
    fn create_namespace(&mut self, namespace: &str, _: &[(String, String)]) -> Result<(), KernelError> {
        self.tell(format!("create {namespace}")).map_err(|message| refusal("unshare", namespace, message))
    }

    fn delete_namespace(&mut self, namespace: &str) -> Result<(), KernelError> {
        self.tell(format!("delete {namespace}")).map_err(|message| refusal("umount", namespace, message))
    }

    fn ip(&mut self, namespace: &str, lines: &[String]) -> Result<Vec<LineError>, KernelError> {
        let try_line = |(index, line): (usize, &String)| {
            let message = self.tell(format!("{namespace} ip {line}")).err()?;
            Some(LineError { index, line: line.clone(), message })
        };
        Ok(lines.iter().enumerate().filter_map(try_line).collect())
    }

    fn nft(&mut self, namespace: &str, script: &str) -> Result<(), KernelError> {
        self.tell(format!("{namespace} nft {script}")).map_err(|message| refusal("nft", namespace, message))
    }

    fn forget_flows(&mut self, namespace: &str, addresses: &[Ipv4Addr]) -> Result<(), KernelError> {
        if addresses.is_empty() {
            return Ok(());
        }
        self.tell(format!("{namespace} forget {addresses:?}"))
            .map_err(|message| refusal("conntrack", namespace, message))
    }
}

impl Machines for Log {
    fn start(&mut self, spec: MachineSpec) -> Result<(), MachineError> {
        self.machine("start", &spec.namespace)
    }

    fn stop(&mut self, machine: &str) -> Result<(), MachineError> {
        self.machine("stop", machine)
    }

    fn reboot(&mut self, machine: &str) -> Result<(), MachineError> {
        self.machine("reboot", machine)
    }

    fn destroy(&mut self, machine: &str) -> Result<(), MachineError> {
        self.machine("destroy", machine)
    }
}

impl Log {
    fn machine(&self, doing: &'static str, machine: &str) -> Result<(), MachineError> {
        self.tell(format!("{doing} {machine}")).map_err(|reason| MachineError {
            doing,
            instance_id: fabric::owner(machine).1.to_owned(),
            reason,
        })
    }
}

fn refusal(command: &'static str, namespace: &str, message: String) -> KernelError {
    KernelError::Refused { command, namespace: namespace.to_owned(), message }
}

/// A reconciler, and what it tells.
fn reconciler() -> (Reconciler<Log, Log>, Log) {
    let log = Log::default();
    (Reconciler::new(log.clone(), log.clone()), log)
}

const DB: &str = "i-000000000000000db";
const WEB: &str = "i-000000000000000eb";

fn machines(told: &[String]) -> Vec<&str> {
    let words = ["start ", "stop ", "reboot ", "destroy "];
    told.iter().map(String::as_str).filter(|text| words.iter().any(|word| text.starts_with(word))).collect()
}

/// The name of an instance's machine.
fn machine(id: &str) -> String {
    fabric::guest(sample::ACCOUNT, id)
}

fn seen(what: Observation) -> Option<Seen> {
    Some(what.of(sample::ACCOUNT))
}

fn booted(id: &str) -> GuestEvent {
    GuestEvent::Booted { id: machine(id) }
}

fn stopped(id: &str, exit: GuestExit) -> GuestEvent {
    GuestEvent::Stopped { id: machine(id), exit }
}

#[test]
fn a_second_pass_does_nothing() {
    let (mut reconciler, log) = reconciler();
    let state = sample::two_subnets();
    let first = reconciler.pass(&state);
    assert!(first.problems.is_empty() && first.retry_in.is_none(), "{first:?}");
    assert!(!log.take().is_empty());
    let second = reconciler.pass(&state);
    assert_eq!(log.take(), Vec::<String>::new());
    assert!(second.observations.is_empty() && second.retry_in.is_none(), "{second:?}");
}

#[test]
fn machines_start_once_their_link_is_configured_and_before_filters_are_loaded() {
    let (mut reconciler, log) = reconciler();
    reconciler.pass(&sample::two_subnets());
    let told = log.take();
    let at =
        |part: &str| told.iter().position(|text| text.contains(part)).unwrap_or_else(|| panic!("no {part}"));
    let start = at(&format!("start {DB}"));
    assert!(at(&format!("{DB} ip addr replace 10.0.2.10/24 brd + dev eth0")) < start);
    assert!(at(&format!("{DB} ip link set eth0 up")) < start);
    assert!(start < at("add chain netdev l2 eni000000000b10"));
}

#[test]
fn what_fails_is_reported_retried_and_keeps_nothing_else_back() {
    let (mut reconciler, log) = reconciler();
    let state = sample::two_subnets();
    log.refuse(&["link add eni000000000b10", "db ip "]);
    let now = Instant::now();
    let goal = Goal::of(&state);
    let pass = reconciler.reach(&goal, now);
    assert_eq!(machines(&log.take()), [format!("start {WEB}")]);
    assert_eq!(pass.retry_in, Some(Duration::from_millis(250)));
    let problem = pass.problems.iter().find(|problem| problem.message.contains("link add eni000000000b10"));
    let message = &problem.expect("the failed line is reported").message;
    assert!(message.starts_with("run `ip link add eni000000000b10 group 1035"), "{message}");
    assert!(message.ends_with(": refused"), "{message}");

    let pass = reconciler.reach(&goal, now + Duration::from_millis(250));
    assert_eq!(pass.retry_in, Some(Duration::from_millis(500)));
    let told = log.take();
    assert!(told.iter().all(|text| !text.contains("a10")), "what was made stays: {told:#?}");

    log.refuse(&[]);
    let pass = reconciler.reach(&goal, now + Duration::from_millis(750));
    assert!(pass.problems.is_empty() && pass.retry_in.is_none(), "{pass:?}");
    assert_eq!(machines(&log.take()), [format!("start {DB}")]);
    assert_eq!(*reconciler.applied(), goal.packets);
}

#[test]
fn a_refused_script_is_followed_by_the_whole_ruleset() {
    let (mut reconciler, log) = reconciler();
    let mut state = sample::two_subnets();
    reconciler.pass(&state);
    log.take();
    region(&mut state).security_groups.get_mut(&id("sg", "d")).unwrap().rules.clear();
    log.refuse(&["nft"]);
    let pass = reconciler.pass(&state);
    assert_eq!(pass.problems.len(), 1);
    log.refuse(&[]);
    log.take();
    let pass = reconciler.pass(&state);
    assert!(pass.problems.is_empty());
    let told = log.take();
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("vpc-00000000000000001 nft flush ruleset\n"), "{}", told[0]);
}

#[test]
fn a_namespace_that_cannot_be_made_gets_no_further_steps() {
    let (mut reconciler, log) = reconciler();
    log.refuse(&["create 111122223333-vpc"]);
    let pass = reconciler.pass(&sample::two_subnets());
    assert_eq!(pass.problems[0].message, "unshare in namespace 111122223333-vpc-00000000000000001: refused");
    let told = log.take();
    assert!(told.iter().all(|text| !text.starts_with("vpc-00000000000000001 ")), "{told:#?}");
    assert_eq!(machines(&told), Vec::<&str>::new());
}

#[test]
fn a_machine_lives_by_its_wishes_and_events() {
    let (mut reconciler, log) = reconciler();
    let mut state = sample::two_subnets();
    reconciler.pass(&state);
    let instance_id = DB.to_owned();
    assert_eq!(
        reconciler.heard(&booted(DB)),
        seen(Observation::InstanceBooted { instance_id: instance_id.clone(), boot: 1 })
    );
    assert_eq!(
        reconciler.heard(&GuestEvent::StatusOk { id: machine(DB) }),
        seen(Observation::InstanceReady { instance_id: instance_id.clone(), boot: 1 })
    );
    log.take();

    region(&mut state).instances.get_mut(DB).unwrap().boot = 2;
    reconciler.pass(&state);
    reconciler.pass(&state);
    assert_eq!(machines(&log.take()), [format!("reboot {DB}")]);
    assert_eq!(
        reconciler.heard(&booted(DB)),
        seen(Observation::InstanceBooted { instance_id: instance_id.clone(), boot: 2 })
    );

    sample::set_state(region(&mut state), "db", InstanceState::Stopping);
    reconciler.pass(&state);
    reconciler.pass(&state);
    assert_eq!(machines(&log.take()), [format!("stop {DB}")]);
    assert_eq!(reconciler.heard(&booted(DB)), None, "it is on its way down");
    assert_eq!(
        reconciler.heard(&stopped(DB, GuestExit::PoweredOff)),
        seen(Observation::InstanceStopped { instance_id: instance_id.clone() })
    );

    sample::set_state(region(&mut state), "db", InstanceState::Stopped);
    reconciler.pass(&state);
    let told = log.take();
    assert_eq!(machines(&told), Vec::<&str>::new());
    assert!(told.contains(&format!("delete {DB}")), "{told:#?}");

    sample::set_state(region(&mut state), "db", InstanceState::Pending);
    reconciler.pass(&state);
    assert_eq!(machines(&log.take()), [format!("start {DB}")]);

    sample::set_state(region(&mut state), "db", InstanceState::ShuttingDown);
    reconciler.pass(&state);
    assert_eq!(machines(&log.take()), [format!("destroy {DB}")]);
    assert_eq!(
        reconciler.heard(&stopped(DB, GuestExit::Killed)),
        seen(Observation::InstanceTerminated { instance_id })
    );
    assert_eq!(reconciler.heard(&stopped(DB, GuestExit::Killed)), None, "told once");
}

#[test]
fn a_machine_that_ends_by_itself_is_stopped_and_one_that_never_came_up_has_failed() {
    let (mut reconciler, _log) = reconciler();
    reconciler.pass(&sample::two_subnets());
    reconciler.heard(&booted(WEB));
    assert_eq!(
        reconciler.heard(&stopped(WEB, GuestExit::PoweredOff)),
        seen(Observation::InstanceStopped { instance_id: WEB.to_owned() })
    );
    let reason = "no init found".to_owned();
    assert_eq!(
        reconciler.heard(&stopped(DB, GuestExit::Failed { reason: reason.clone() })),
        seen(Observation::InstanceFailed { instance_id: DB.to_owned(), message: reason })
    );
}

#[test]
fn a_machine_that_cannot_be_started_has_failed() {
    let (mut reconciler, log) = reconciler();
    log.refuse(&["start 111122223333-i-000000000000000db"]);
    let pass = reconciler.pass(&sample::two_subnets());
    let message = format!("start {DB}: refused");
    assert_eq!(
        pass.observations,
        [Observation::InstanceFailed { instance_id: DB.to_owned(), message }.of(sample::ACCOUNT)]
    );
}

#[test]
fn what_the_state_has_forgotten_is_destroyed() {
    let (mut reconciler, log) = reconciler();
    reconciler.pass(&sample::two_subnets());
    log.take();
    let pass = reconciler.pass(&State::seeded(1));
    assert!(pass.problems.is_empty(), "{:?}", pass.problems);
    let told = log.take();
    assert_eq!(machines(&told), [format!("destroy {DB}"), format!("destroy {WEB}")]);
    assert!(told.contains(&"delete laptop".to_owned()));
    assert!(reconciler.applied().namespaces.is_empty());
    reconciler.pass(&State::seeded(1));
    assert_eq!(log.take(), Vec::<String>::new());
}

#[test]
fn stopping_what_never_ran_is_done_at_once() {
    let (mut reconciler, log) = reconciler();
    let mut state = sample::two_subnets();
    sample::set_state(region(&mut state), "db", InstanceState::Stopping);
    let pass = reconciler.pass(&state);
    assert_eq!(
        pass.observations,
        [Observation::InstanceStopped { instance_id: DB.to_owned() }.of(sample::ACCOUNT)]
    );
    assert_eq!(machines(&log.take()), [format!("start {WEB}")]);
}

#[test]
fn a_nat_gateway_is_up_when_all_of_it_is_made_and_gone_when_nothing_is() {
    let (mut reconciler, log) = reconciler();
    let mut state = sample::two_subnets();
    let (private, public) = (Ipv4Addr::new(10, 0, 1, 100), Ipv4Addr::new(203, 0, 113, 12));
    sample::add_nat_gateway(region(&mut state), "c", "a", private, public);
    let nat_gateway_id = id("nat", "c");
    log.refuse(&["nat-0000000000000000c nft"]);
    assert_eq!(reconciler.pass(&state).observations, []);
    log.refuse(&[]);
    let up = Observation::NatGatewayUp { nat_gateway_id: nat_gateway_id.clone() };
    assert_eq!(reconciler.pass(&state).observations, [up.of(sample::ACCOUNT)]);

    region(&mut state).nat_gateways.get_mut(&nat_gateway_id).unwrap().state = NatGatewayState::Deleting;
    let gone = Observation::NatGatewayGone { nat_gateway_id };
    assert_eq!(reconciler.pass(&state).observations, [gone.of(sample::ACCOUNT)]);
}

/// Passes until a goal is given up, at the times that they ask for; what the last one saw.
fn until_given_up(reconciler: &mut Reconciler<Log, Log>, state: &State) -> Vec<Seen> {
    let (goal, mut now) = (Goal::of(state), Instant::now());
    for _ in 0..20 {
        let pass = reconciler.reach(&goal, now);
        if !pass.observations.is_empty() {
            return pass.observations;
        }
        now += pass.retry_in.expect("it is tried again");
    }
    panic!("it is never given up: {:?}", reconciler.troubles());
}

#[test]
fn a_nat_gateway_that_cannot_be_built_has_failed_for_a_reason() {
    let (mut reconciler, log) = reconciler();
    let mut state = sample::two_subnets();
    reconciler.pass(&state);
    let (private, public) = (Ipv4Addr::new(10, 0, 1, 100), Ipv4Addr::new(203, 0, 113, 12));
    sample::add_nat_gateway(region(&mut state), "c", "a", private, public);
    log.refuse(&["nat-0000000000000000c nft"]);
    let seen = until_given_up(&mut reconciler, &state);
    let [Seen { what: Observation::NatGatewayFailed { nat_gateway_id, code, message }, .. }] = &seen[..]
    else {
        panic!("{seen:?}")
    };
    assert_eq!((nat_gateway_id.as_str(), code.as_str()), (id("nat", "c").as_str(), "InternalError"));
    assert!(message.contains("in an invalid state") && message.contains("nft in namespace"), "{message}");
    let trouble = reconciler.troubles();
    assert!(trouble[0].namespace.ends_with("-nat-0000000000000000c"), "{trouble:?}");

    // The control plane takes it in, nothing of it stays, and another one can be made.
    region(&mut state).nat_gateways.get_mut(&id("nat", "c")).unwrap().state = NatGatewayState::Failed;
    log.take();
    reconciler.pass(&state);
    assert!(log.take().contains(&"delete nat-0000000000000000c".to_owned()));
    assert_eq!(reconciler.troubles(), []);
}

/// `ip` ends a whole batch at a namespace that is not there.
#[test]
fn a_namespace_that_cannot_be_made_keeps_no_cable_of_others_back() {
    let (mut reconciler, log) = reconciler();
    log.refuse(&["create 111122223333-i-000000000000000db"]);
    reconciler.pass(&sample::two_subnets());
    let told = log.take();
    let cables: Vec<&String> = told.iter().filter(|line| line.contains("link add eni")).collect();
    assert!(!cables.is_empty() && cables.iter().all(|line| !line.contains(DB)), "{cables:#?}");
    assert_eq!(machines(&told), [format!("start {WEB}")]);
}

#[test]
fn an_instance_whose_network_cannot_be_built_has_failed_for_a_reason() {
    for refused in ["create 111122223333-i-000000000000000db", "link add eni000000000b10"] {
        let (mut reconciler, log) = reconciler();
        log.refuse(&[refused]);
        let seen = until_given_up(&mut reconciler, &sample::two_subnets());
        let [Seen { what: Observation::InstanceFailed { instance_id, message }, .. }] = &seen[..] else {
            panic!("{seen:?}")
        };
        assert_eq!(instance_id, DB);
        assert!(message.starts_with("Its network could not be built: failed to "), "{message}");
        assert!(message.ends_with(": refused"), "{message}");
    }
}

#[test]
fn a_guest_that_does_not_answer_is_impaired_until_it_does() {
    let (mut reconciler, _log) = reconciler();
    reconciler.pass(&sample::two_subnets());
    reconciler.heard(&booted(DB));
    let instance_id = DB.to_owned();
    assert_eq!(
        reconciler.heard(&GuestEvent::StatusImpaired { id: machine(DB) }),
        seen(Observation::InstanceImpaired { instance_id: instance_id.clone() })
    );
    assert_eq!(
        reconciler.heard(&GuestEvent::StatusOk { id: machine(DB) }),
        seen(Observation::InstanceReady { instance_id, boot: 1 })
    );
}
