//! The whole daemon, run for real: labs and laptops, instances that boot, and what is left when it dies.

use std::fs;
use std::os::fd::OwnedFd;
use std::time::Duration;

use lab::region::client::{Client, ClientError, RefusalCode, SignalScope, SpawnSpec};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::daemon_world::{PATIENCE, World, child, eventually, host_view, public_address};

fn null() -> [OwnedFd; 3] {
    let open =
        || OwnedFd::from(fs::File::options().read(true).write(true).open("/dev/null").expect("/dev/null"));
    [open(), open(), open()]
}

fn shell(line: &str) -> SpawnSpec {
    SpawnSpec { argv: vec!["bash".into(), "-c".into(), line.into()], ..SpawnSpec::default() }
}

#[tokio::test]
async fn the_laptop_is_a_machine_of_its_own() {
    let world = World::new().await;
    let lab = world.lab("one").await;
    assert!(lab.access.created && !world.lab("one").await.access.created);

    assert_eq!(lab.shell("id -un; id -u; hostname; pwd").await, "me\n1000\nlaptop\n/home/me");
    assert_eq!(lab.shell(". /etc/os-release; echo $VERSION_CODENAME").await, "trixie");
    // Nothing of the user's files, no privileges and no way to any.
    let state = world.paths.state.display();
    assert_eq!(lab.try_shell(&format!("ls {state}")).await.1.code, Some(2));
    let status = lab.shell("grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status").await;
    assert_eq!(status, "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1");
    // The home directory is the lab owner's outside and the user's inside.
    assert_eq!(lab.shell("echo text > file; stat -c %U file").await, "me");
    assert_eq!(fs::read_to_string(lab.home().join("file")).expect("the file"), "text\n");
    // A network with a way out.
    assert!(lab.shell("ping -c 1 -W 5 198.51.100.1").await.contains("1 received"));
    assert_eq!(lab.shell("test -x /usr/bin/aws && test -d /run/lab && echo there").await, "there");

    let access = world.client.status().await.expect("status");
    assert_eq!(access.labs.len(), 1);
    world.client.remove_lab("one").await.expect("remove the lab");
    assert!(world.client.status().await.expect("status").labs.is_empty());
    assert!(lab.home().join("file").exists(), "the home directory is the caller's");
    let again = world.client.spawn("one", shell("true"), null()).await;
    assert!(matches!(again, Err(ClientError::Refused(refusal)) if refusal.code == RefusalCode::NoSuchLab));
}

#[tokio::test]
async fn programs_end_as_they_are_told_to() {
    let world = World::new().await;
    let lab = world.lab("one").await;
    assert_eq!(lab.try_shell("exit 3").await.1.code, Some(3));
    assert_eq!(lab.try_shell("kill -9 $$").await.1.signal, Some(9));

    let missing = SpawnSpec { argv: vec!["no-such-program".into()], ..SpawnSpec::default() };
    let refused = world.client.spawn("one", missing, null()).await.expect_err("there is no such program");
    assert!(refused.to_string().contains("no-such-program: no such program"), "{refused}");

    // A session: the shell outlives the signal, its child in another group does not.
    let line = "set -m; trap : TERM; sleep 1000 & while kill -0 $!; do wait; done; touch waited; sleep 1000";
    let mut process = world.client.spawn("one", shell(line), null()).await.expect("start");
    eventually("the child runs", async || {
        lab.try_shell("pgrep -x sleep").await.1.code.filter(|code| *code == 0)
    })
    .await;
    process.signal(15, SignalScope::Session).await.expect("signal");
    eventually("the child has ended", async || lab.home().join("waited").exists().then_some(())).await;
    process.signal(9, SignalScope::Session).await.expect("signal");
    let exited = tokio::time::timeout(PATIENCE, process.wait()).await.expect("it ends").expect("its status");
    assert_eq!(exited.signal, Some(9));
    assert_eq!(lab.try_shell("pgrep -x sleep").await.1.code, Some(1), "nothing of the session is left");

    // A caller who goes away takes its programs along, and those in other groups too.
    let process =
        world.client.spawn("one", shell("set -m; sleep 1000 & sleep 1000"), null()).await.expect("start");
    eventually("both run", async || (lab.try_shell("pgrep -xc sleep").await.0 == "2\n").then_some(())).await;
    drop(process);
    eventually("both have ended", async || {
        lab.try_shell("pgrep -x sleep").await.1.code.filter(|code| *code == 1)
    })
    .await;
}

#[tokio::test]
async fn an_instance_lives_as_on_ec2() {
    let world = World::new().await;
    let lab = world.lab("one").await;
    let network = lab.network();
    let id = network.launch("10.0.1.10", "#!/bin/bash\necho as $(id -un) >/run/user-data\n");
    assert_eq!(lab.instance(&id).pointer("/State/Name"), Some(&json!("pending")));
    let address = public_address(&lab.reaches(&id, "running").await);
    lab.passes(&id).await;

    // The console tells the host key that the server then shows.
    let console = lab.ec2("GetConsoleOutput", json!({"InstanceId": id}));
    let console = decoded(console.get("Output"));
    let keys = console.split("-----BEGIN SSH HOST KEY KEYS-----").nth(1).expect("host keys on the console");
    let key = lab.shell(&format!("ssh-keyscan -q -t ed25519 {address} | cut -d' ' -f3")).await;
    assert!(key.len() > 60 && keys.contains(&key), "{key} is not among {keys}");

    assert_eq!(lab.ssh(address, "hostname; id -un; sudo id -un").await, "ip-10-0-1-10\nadmin\nroot");
    assert_eq!(
        lab.ssh(address, "systemctl is-system-running; systemctl --failed --plain -q").await,
        "running"
    );
    assert_eq!(
        lab.ssh(address, "cloud-init status --wait; cat /run/user-data").await,
        "status: done\nas root"
    );

    // Stop and start keep the disk; user data does not run again; a reboot keeps everything.
    lab.ssh(address, "echo kept | sudo tee /root/file").await;
    lab.ec2("StopInstances", json!({"InstanceIds": [id]}));
    lab.reaches(&id, "stopped").await;
    let refused = world.client.dial("one", address, 22, Duration::from_secs(2)).await;
    assert!(
        matches!(refused, Err(ClientError::Refused(_))),
        "nobody answers for a stopped instance: {refused:?}"
    );
    lab.ec2("StartInstances", json!({"InstanceIds": [id]}));
    let address = public_address(&lab.reaches(&id, "running").await);
    lab.passes(&id).await;
    assert_eq!(
        lab.ssh(
            address,
            "sudo cat /root/file; ls /run/user-data 2>&1 | wc -l; cat /run/user-data 2>/dev/null | wc -l"
        )
        .await,
        "kept\n1\n0"
    );
    let boot = lab.ssh(address, "cat /proc/sys/kernel/random/boot_id").await;
    lab.ec2("RebootInstances", json!({"InstanceIds": [id]}));
    eventually("it has booted anew", async || {
        let (new, exited) = lab
            .try_shell(&format!(
                "ssh -q -o StrictHostKeyChecking=no -o ConnectTimeout=2 -i key.pem admin@{address} cat /proc/sys/kernel/random/boot_id"
            ))
            .await;
        (exited.code == Some(0) && new.trim() != boot).then_some(())
    })
    .await;

    // From inside it can be switched off; then it is gone with its disk.
    let _ = lab
        .try_shell(&format!("ssh -q -o StrictHostKeyChecking=no -i key.pem admin@{address} sudo poweroff"))
        .await;
    lab.reaches(&id, "stopped").await;
    lab.ec2("TerminateInstances", json!({"InstanceIds": [id]}));
    lab.reaches(&id, "terminated").await;
    assert!(!world.paths.region().join("guests").join(&id).exists(), "the disk is gone");
}

#[tokio::test]
async fn labs_with_equal_addresses_do_not_meet() {
    let world = World::new().await;
    let (one, two) = (world.lab("one").await, world.lab("two").await);
    assert_ne!(one.access.account_id, two.access.account_id);
    let ids = [(&one, "first"), (&two, "second")].map(|(lab, name)| {
        let data = format!("#!/bin/sh\necho {name} >/run/name\n");
        (lab, name, lab.network().launch("10.0.1.10", &data))
    });
    for (lab, name, id) in &ids {
        let address = public_address(&lab.reaches(id, "running").await);
        lab.passes(id).await;
        assert_eq!(lab.ssh(address, "cloud-init status --wait >/dev/null; cat /run/name").await, *name);
    }
    let found = one.call("DescribeInstances", &json!({"InstanceIds": [ids[1].2]}));
    assert_eq!(found.expect_err("it is another account's").code, "InvalidInstanceID.NotFound");
    world.client.remove_lab("one").await.expect("remove a lab");
    let (_, name, id) = &ids[1];
    let address = public_address(&two.instance(id));
    assert_eq!(two.ssh(address, "cat /run/name").await, *name, "the other lab goes on");
}

/// Kill `victim` of a daemon with a running instance; everything must be gone, be told, and come back.
async fn dies_and_comes_back(victim: impl Fn(&World) -> i32) {
    let mut world = World::new().await;
    let (id, before) = {
        let lab = world.lab("one").await;
        let id = lab.network().launch("10.0.1.10", "");
        let address = public_address(&lab.reaches(&id, "running").await);
        lab.passes(&id).await;
        lab.ssh(address, "echo kept | sudo tee /root/file").await;
        (id, host_view(&world.paths.state))
    };
    assert!(before.iter().any(|line| line.contains("nspawn")), "the guest's processes are in view");
    assert!(before.iter().any(|line| line.starts_with("control group: ")));

    kill(Pid::from_raw(victim(&world)), Signal::SIGKILL).expect("kill");
    world.gone().await;
    let left: Vec<String> = host_view(&world.paths.state)
        .into_iter()
        .filter(|line| line.contains("region-") || line.contains("nspawn") || !before.contains(line))
        .collect();
    assert_eq!(left, Vec::<String>::new());
    let group = before.iter().find(|line| line.starts_with("control group: ") && line.contains("lab-"));
    assert!(group.is_some_and(|line| !std::path::Path::new(&line["control group: ".len()..]).exists()));
    let refused = Client::connect(&world.paths).await.expect_err("nobody answers");
    let told = refused.to_string();
    assert!(told.contains("was killed") || told.contains("ended with status 137"), "{told}");

    world.restart().await;
    let lab = world.lab("one").await;
    assert!(!lab.access.created);
    let address = public_address(&lab.reaches(&id, "running").await);
    lab.passes(&id).await;
    assert_eq!(lab.ssh(address, "sudo cat /root/file").await, "kept");
}

#[tokio::test]
async fn nothing_is_left_of_a_killed_front() {
    dies_and_comes_back(World::front).await;
}

#[tokio::test]
async fn nothing_is_left_of_a_killed_tree() {
    dies_and_comes_back(|world| child(world.front(), "region-tree")).await;
}

#[tokio::test]
async fn nothing_is_left_of_a_killed_server() {
    dies_and_comes_back(|world| child(child(world.front(), "region-tree"), "region-tree")).await;
}

#[tokio::test]
async fn a_daemon_that_is_started_while_the_janitor_cleans_up_waits_for_it() {
    let mut world = World::new().await;
    world.lab("one").await;
    let front = world.front();
    let janitor = Pid::from_raw(child(front, "region-janitor"));
    kill(janitor, Signal::SIGSTOP).expect("stop the janitor");
    kill(Pid::from_raw(front), Signal::SIGKILL).expect("kill");
    // The tree dies with it, a moment later.
    let socket = world.paths.control_socket();
    eventually("nobody answers any more", async || {
        std::os::unix::net::UnixStream::connect(&socket).is_err().then_some(())
    })
    .await;
    let paths = world.paths.clone();
    let starting = std::thread::spawn(move || crate::daemon_world::start(&paths));
    // Much longer than a daemon takes to start.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!starting.is_finished(), "it waits while the janitor has not done its work");
    kill(janitor, Signal::SIGCONT).expect("let it go on");
    starting.join().expect("the daemon starts");
    world.restart().await;
    let lab = world.lab("one").await;
    assert!(!lab.access.created);
    assert_eq!(lab.shell("echo here").await, "here");
    assert!(host_view(&world.paths.state).iter().any(|line| line.starts_with("control group: ")));
}

#[tokio::test]
async fn a_fetcher_that_dies_is_started_anew_but_not_for_ever() {
    let world = World::new().await;
    let front = world.front();
    let children = || {
        let children = fs::read_to_string(format!("/proc/{front}/task/{front}/children")).expect("children");
        let is_one = |pid: &&str| {
            fs::read_to_string(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| line.contains("region-fetcher"))
        };
        children.split_whitespace().find(is_one).and_then(|pid| pid.parse::<i32>().ok())
    };
    let mut before = 0;
    for _ in 0..5 {
        let what = format!("another fetcher than {before} runs");
        before = eventually(&what, async || children().filter(|pid| *pid != before)).await;
        kill(Pid::from_raw(before), Signal::SIGKILL).expect("kill");
    }
    let last = eventually("a sixth runs", async || children().filter(|pid| *pid != before)).await;
    kill(Pid::from_raw(last), Signal::SIGKILL).expect("kill");
    eventually("it is given up, and said so", async || {
        let log = fs::read_to_string(world.paths.daemon_log()).ok()?;
        log.contains("nothing is fetched any more").then_some(())
    })
    .await;
    assert_eq!(children(), None);
    assert_eq!(world.lab("one").await.shell("echo here").await, "here", "the region lives on");
}

#[tokio::test]
async fn an_orderly_stop_leaves_nothing_and_says_nothing() {
    let mut world = World::new().await;
    world.lab("one").await.shell("echo text > file").await;
    world.client.stop().await.expect("stop");
    assert_eq!(host_view(&world.paths.state).into_iter().filter(|line| line.contains("region-")).count(), 0);
    let refused = Client::connect(&world.paths).await.expect_err("nobody answers");
    assert!(matches!(refused, ClientError::NotRunning { last: None }), "{refused}");
    world.restart().await;
    let lab = world.lab("one").await;
    assert_eq!(lab.shell("cat file").await, "text");
    world.client.reset().await.expect("reset");
    assert!(world.client.status().await.expect("status").labs.is_empty());
}

fn decoded(output: Option<&Value>) -> String {
    use base64::Engine as _;
    let output = output.and_then(Value::as_str).expect("console output");
    let bytes = base64::engine::general_purpose::STANDARD.decode(output).expect("base64");
    String::from_utf8_lossy(&bytes).into_owned()
}
