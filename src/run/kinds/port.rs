//! Waits until a program listens on a TCP port of a host, without connecting to it: some programs serve one connection
//! only, others write down each.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncWrite, BufReader, Lines};

use crate::session::{BoxFuture, Exit, Machine, Program};

/// Arguments: the port. Says `taken` when something listens there already, else `free`, and later `up`. Ends with its input.
const SCRIPT: &str = r#"
printf -v port '%04X' "$1"
listens() {
  local file address state
  for file in /proc/net/tcp /proc/net/tcp6; do
    [[ -r $file ]] || continue
    while read -r _ address _ state _; do
      [[ $state == 0A && ${address##*:} == "$port" ]] && return
    done <"$file"
  done
  return 1
}
listens && { echo taken; exit; }
echo free
until listens; do
  read -r -t 0.1
  (($? > 128)) || exit
done
echo up
"#;

/// A look at a port that goes on until it is dropped.
pub(super) struct Port {
    said: Lines<BufReader<Box<dyn tokio::io::AsyncRead + Send + Unpin>>>,
    _stdin: Box<dyn AsyncWrite + Send + Unpin>,
    _exit: BoxFuture<'static, io::Result<Exit>>,
}

impl Port {
    /// Begins to look. `None`: something listens there already.
    pub(super) async fn watch(machine: &Arc<dyn Machine>, port: u16) -> io::Result<Option<Self>> {
        let argv =
            ["bash", "--noprofile", "--norc", "-c", SCRIPT, "lab", &port.to_string()].map(str::to_owned);
        let child = machine.spawn(Program { argv: argv.to_vec(), ..Program::default() }).await?;
        let mut said = BufReader::new(child.stdout).lines();
        let first = said.next_line().await?;
        match first.as_deref() {
            Some("free") => Ok(Some(Self { said, _stdin: child.stdin, _exit: child.exit })),
            Some("taken") => Ok(None),
            other => Err(io::Error::other(other.unwrap_or("nothing tells what listens there").to_owned())),
        }
    }

    /// Resolves when something listens there. An error: that will not be known.
    pub(super) async fn up(&mut self) -> io::Result<()> {
        match self.said.next_line().await?.as_deref() {
            Some("up") => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
