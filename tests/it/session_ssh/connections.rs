//! Connections: through another host, found dead, cut, and waited for.

use super::*;

#[tokio::test]
async fn a_host_is_reached_through_another() {
    let dir = keys();
    let (bastion, inner) = (server(dir.path(), "bastion"), server(dir.path(), "inner"));
    let key = dir.path().join("key");
    let cloud = Arc::new(Cloud::default().with("web", &bastion, &key).with("db", &inner, &key));
    let laptop = Arc::new(LocalMachine::new(dir.path()));
    let known = Arc::new(FileKnownHosts::new(dir.path().join("known")));
    let mut pool = Pool::new(laptop, Setup::default(), Arc::new(OnlyPort(bastion.port)), cloud, known);
    let port = "set -- $SSH_CONNECTION; echo $4";
    assert_eq!(text(pool.shell("web", None).await.expect("web"), port).await, format!("{}\n", bastion.port));
    assert_eq!(
        text(pool.shell("db", Some("web")).await.expect("db"), port).await,
        format!("{}\n", inner.port)
    );
    assert_eq!(
        text(pool.shell("laptop", None).await.expect("laptop"), "A=1; echo ${SSH_CONNECTION-none}").await,
        "none\n"
    );
    let user = &inner.target(&key).user;
    let command = pool.ssh_command("db").expect("a command");
    assert_eq!(
        command,
        format!(
            "ssh -i key -o ProxyCommand='ssh -i key -W %h:%p -p {} {user}@127.0.0.1' -p {} {user}@127.0.0.1",
            bastion.port, inner.port
        )
    );
    assert_eq!(pool.ssh_command("laptop"), None);
    // OpenSSH takes it as it stands, without an agent.
    let quiet = "ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR";
    let typed =
        format!("{} 'set -- $SSH_CONNECTION; echo $4'", command.replace("ssh ", &format!("{quiet} ")));
    let mut bash = Command::new("bash");
    bash.args(["-c", &typed]).current_dir(dir.path()).env_remove("SSH_AUTH_SOCK").stdin(Stdio::null());
    let output = bash.output().expect("bash");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{}\n", inner.port), "{output:?}");
    let missing = pool.shell("nowhere", None).await.err().expect("no such host");
    assert_eq!(chain(&missing), "find the host `nowhere`: no running instance has the Name tag \"nowhere\"");
    text(pool.shell("db", Some("web")).await.expect("db"), "D=kept").await;
    pool.close_hosts().await;
    assert_eq!(text(pool.shell("laptop", None).await.expect("laptop"), "echo $A").await, "1\n");
    assert_eq!(text(pool.shell("db", Some("web")).await.expect("db"), "echo ${D-gone}").await, "gone\n");
    pool.close().await;
}

#[tokio::test]
async fn a_connection_found_dead_is_reopened_and_one_that_dies_in_a_block_is_told() {
    let dir = keys();
    let server = server(dir.path(), "server");
    let host = Arc::new(host(dir.path(), &server));
    let mut shell = Shell::new(Arc::clone(&host) as _, Setup::default());
    let sshd = text(&mut shell, "A=kept; cd /; echo $PPID").await;
    let killed = Command::new("kill").args(["-9", sshd.trim()]).status().expect("kill runs");
    assert!(killed.success());
    while host.is_open() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(text(&mut shell, "echo $A $PWD").await, "kept /\n");
    let file = dir.path().join("left");
    let heard = dir.path().join("heard");
    let script = format!(
        "B=lost; sleep 300 & echo $! >{}; echo out; until [ -e {} ]; do sleep 0.01; done; kill -9 $PPID; sleep 300",
        file.display(),
        heard.display()
    );
    let mut hear = |_: &[u8]| fs::write(&heard, "").expect("writes");
    let outcome = shell.run(&Block::new(script), &mut hear).await.expect("runs");
    assert!(matches!(outcome.ended, Ended::Cut(_)), "{:?}", outcome.ended);
    assert_eq!((outcome.status, outcome.variables.len()), (None, 0));
    assert_eq!(outcome.output.to_text(), "out\n");
    let left =
        "case $(cat /proc/$(cat FILE)/stat 2>/dev/null) in ''|*') Z '*) echo ended;; *) echo runs;; esac";
    let left = left.replace("FILE", &file.display().to_string());
    assert_eq!(text(&mut shell, &format!("echo $A ${{B-}}; {left}")).await, "kept\nended\n");
    shell.close().await;
}

#[tokio::test]
async fn a_connection_that_answers_no_more_is_replaced_before_a_block() {
    let dir = keys();
    let server = server(dir.path(), "server");
    let mut shell = Shell::new(Arc::new(host(dir.path(), &server)), Setup::default());
    let sshd = text(&mut shell, "A=kept; echo $PPID").await;
    let signal = |name: &str| Command::new("kill").args([name, sshd.trim()]).status().expect("kill runs");
    assert!(signal("-STOP").success());
    // A shell that was used just now is trusted.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let answer = text(&mut shell, "echo $A $PPID").await;
    assert!(answer.starts_with("kept ") && !answer.ends_with(&format!(" {sshd}")), "{answer}");
    assert!(signal("-KILL").success());
    shell.close().await;
}

#[tokio::test]
async fn a_host_that_is_still_booting_is_waited_for() {
    let dir = keys();
    let port = free_port();
    // Its keys are made before, as the console of a booting host shows them before its server listens.
    let booted = server_on(dir.path(), "server", port);
    let waiting = host(dir.path(), &booted);
    drop(booted);
    assert!(StdStream::connect(("127.0.0.1", port)).is_err());
    let mut shell = Shell::new(Arc::new(waiting), Setup::default());
    let block = Block::new("echo up");
    let mut ignored = |_: &[u8]| {};
    let mut run = Box::pin(shell.run(&block, &mut ignored));
    let begun = Instant::now();
    // While it is refused, it keeps trying.
    while begun.elapsed() < Duration::from_millis(300) {
        assert!(tokio::time::timeout(Duration::from_millis(50), &mut run).await.is_err());
    }
    fs::remove_file(dir.path().join("server/host.pub")).expect("removes");
    fs::rename(dir.path().join("server/host"), dir.path().join("kept")).expect("renames");
    let _server = {
        let config = dir.path().join("server/config");
        fs::rename(dir.path().join("kept"), dir.path().join("server/host")).expect("renames");
        Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(config)
            .stderr(Stdio::null())
            .spawn()
            .map(|process| Server { port, process, dir: dir.path().join("server") })
    }
    .expect("sshd starts");
    let outcome = run.await.expect("runs");
    assert_eq!(outcome.output.to_text(), "up\n");
}
