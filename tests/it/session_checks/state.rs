//! What lasts from block to block, and what is told of it.

use std::sync::Arc;

use lab::session::{Block, Setup, Shell, State};

use super::{Subject, variables};

pub async fn state_survives_from_block_to_block(mut s: Subject) {
    let dir = s.scratch.display().to_string();
    s.output(&format!("cd {dir}; A=1; export B='two words'; f() {{ echo f$1; }}; umask 027; shopt -s nullglob; set -f; sleep 9 &"))
        .await;
    let seen = s
        .output("pwd; echo $A \"$B\"; f 3; umask; shopt nullglob; echo *; kill %1; bash -c 'echo $B$A'")
        .await;
    assert_eq!(seen, format!("{dir}\n1 two words\nf3\n0027\nnullglob       \ton\n*\ntwo words\n"));
}

pub async fn assigned_variables_are_told(mut s: Subject) {
    let outcome = s
        .run("B=2; A=$(echo one); export C='x y'; D=(a 'b c'); declare -A E=([k]=v); cd /; f() { G=7; }; f; read -r H <<<eight; unset Z; readonly I=9; IGNORED=x true")
        .await;
    assert_eq!(
        variables(&outcome),
        [
            // Plain assignments in the order of the text, then the others by name.
            ("B", "2"),
            ("A", "one"),
            ("C", "x y"),
            ("D", "([0]=\"a\" [1]=\"b c\")"),
            ("E", "([k]=\"v\" )"),
            ("G", "7"),
            ("I", "9"),
            ("H", "eight"),
        ]
    );
    assert_eq!(variables(&s.run("true").await), []);
    assert_eq!(variables(&s.run("A=one").await), [("A", "one")], "also when the value is the same");
    assert_eq!(
        variables(&s.run("MULTI=$'a\\nb'; ACCENT=é; false; NEVER=1").await),
        [("MULTI", "a\nb"), ("ACCENT", "é")]
    );
    assert_eq!(s.shell.state().variable("ACCENT").as_deref(), Some("é"));
}

pub async fn variables_given_with_a_block_are_set_before_it(mut s: Subject) {
    let mut block = Block::new("echo \"$A|$B\"; B=new; bash -c 'echo [$A]'");
    block.with = vec![("A".into(), "it's $HOME \"x\"\n2".into()), ("B".into(), String::new())];
    let outcome = s.run_block(block).await;
    assert_eq!(outcome.output.to_text(), "it's $HOME \"x\"\n2|\n[]\n");
    assert_eq!(variables(&outcome), [("B", "new")]);
    assert_eq!(s.output("echo $B").await, "new\n");
}

pub async fn a_saved_state_starts_a_later_shell(mut s: Subject) {
    let dir = s.scratch.display().to_string();
    s.output(&format!(
        "cd {dir}; A=$'new\\nline'; B=(1 2); declare -A C=([x]=y); export D=d; declare -i E=4; readonly F=f; shopt -s extglob\n\
         g() {{ case $1 in @(a|b)) echo g$1;; esac; }}; shopt -s expand_aliases; alias hi='echo hello'; umask 077; PATH=$PATH:/opt/x"
    ))
    .await;
    let text = s.shell.state().as_str().to_owned();
    s.shell.close().await;
    let setup =
        Setup { env: vec![("SOCKET".into(), "/new one".into())], state: Some(State::from_text(text)) };
    s.shell = Shell::new(Arc::clone(&s.machine), setup);
    let seen = s.output("pwd; declare -p A B C D E F; g a; hi; umask; echo ${PATH##*:}; echo \"$SOCKET\"; bash -c 'echo $D$SOCKET'").await;
    assert_eq!(
        seen,
        format!(
            "{dir}\ndeclare -- A=$'new\\nline'\ndeclare -a B=([0]=\"1\" [1]=\"2\")\ndeclare -A C=([x]=\"y\" )\n\
             declare -x D=\"d\"\ndeclare -i E=\"4\"\ndeclare -r F=\"f\"\nga\nhello\n0077\n/opt/x\n/new one\nd/new one\n"
        )
    );
    let outcome = s.run("true").await;
    assert_eq!(variables(&outcome), []);
}

pub async fn all_shells_of_one_boot_say_so(mut s: Subject) {
    assert_eq!(s.shell.boot(), None, "nothing has been started");
    s.shell.wake().await.expect("starts");
    let boot = s.shell.boot().expect("known").to_owned();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("readable");
    assert!(boot.starts_with(kernel.trim()) && boot.len() > kernel.len(), "{boot:?}");
    s.run("exit 1").await;
    s.output("true").await;
    assert_eq!(s.shell.boot(), Some(&*boot), "the shell is another, the boot is not");
    let mut beside = s.shell.beside();
    beside.wake().await.expect("starts");
    assert_eq!(beside.boot(), Some(&*boot));
    beside.close().await;
}
