//! The daemon is killed while clients create and delete.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::RngExt;

use super::ledger::{Client, check, vpc};
use crate::daemon_world::World;

/// Kill one of its processes again and again, at moments that nobody chooses.
async fn killed(times: usize) {
    let mut world = World::new().await;
    let mut clients = {
        let lab = world.lab("one").await;
        let vpc = vpc(&lab);
        ["a", "b"].map(|name| Client::new(name, &lab, &vpc))
    };
    let begun = Instant::now();
    for round in 0..times {
        let moment = Duration::from_micros(rand::rng().random_range(20_000..600_000));
        let victim = Pid::from_raw(world.processes()[round % 3]);
        std::thread::scope(|scope| {
            for client in &mut clients {
                scope.spawn(|| client.work());
            }
            std::thread::sleep(moment);
            kill(victim, Signal::SIGKILL).expect("kill");
        });
        world.gone().await;
        world.restart().await;
        let lab = world.lab("one").await;
        assert!(!lab.access.created);
        check(&lab, &mut clients);
    }
    let acknowledged: u32 = clients.iter().map(|client| client.acknowledged).sum();
    let refused: u32 = clients.iter().map(|client| client.refused).sum();
    println!("{times} kills in {:.0?}: {acknowledged} acknowledged, {refused} refused", begun.elapsed());
    assert!(acknowledged as usize > times, "hardly anything was done: {acknowledged}");
    assert_eq!(refused, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_daemon_has_acknowledged_is_there() {
    killed(6).await;
}

/// Some minutes: `make kills`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make kills"]
async fn what_a_daemon_has_acknowledged_that_is_killed_a_hundred_times_is_there() {
    killed(100).await;
}
