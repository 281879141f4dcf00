//! Packets recorded while a block runs: `tcpdump` on the hosts, taken apart here.
//!
//! Limits: not on the laptop, which has no privileges; on a host, its first interface that is no loopback. The
//! connection over which `lab` itself talks to the host is left out.

mod dns;
pub(in crate::run) mod packets;
mod pcap;

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::lesson::{Block, Capture, Lesson};
use crate::name::HostName;
use crate::run::chain;
use crate::session::{Machine as _, Pool, Program};
use packets::Seen;

/// The name under which a record keeps packets; the book shows what it finds there.
pub(in crate::run) const RECORDED: &str = "packets";

/// How long `tcpdump` may take to begin or to end.
const LIMIT: Duration = Duration::from_secs(20);
/// How long after the block packets are still taken: connections end a moment behind the programs that used them.
const AFTER: Duration = Duration::from_millis(400);

/// Bytes of packets that a block may record on one host: a page of a lesson shows some dozens.
const MOST: u64 = 4 << 20;

/// Runs `tcpdump` until standard input ends. What it says besides packets is printed only when it fails. Packets are
/// taken at once: by default it takes them once a second, and loses at its end what it has not taken.
const SCRIPT: &str = r#"
own=
if read -r client port _ <<<"$SSH_CONNECTION"; then own="not (host $client and tcp port $port)"; fi
if [[ $1 && $own ]]; then filter="($1) and $own"; else filter=$1$own; fi
said=$(mktemp) || exit
exec 3<&0
sudo -n tcpdump -n -U --immediate-mode -w - -- "$filter" 2>"$said" </dev/null &
tcpdump=$!
{ cat <&3; sudo -n kill -TERM "$tcpdump"; } >/dev/null 2>&1 &
waiting=$!
wait "$tcpdump" || { status=$?; (( status > 128 )) || cat "$said"; }
kill "$waiting" 2>/dev/null
rm -f -- "$said"
"#;

/// Captures that run.
pub(super) struct Capturing(Vec<Running>);

struct Running {
    host: HostName,
    /// Dropping it ends the capture.
    stdin: Box<dyn tokio::io::AsyncWrite + Send + Unpin>,
    packets: JoinHandle<Vec<u8>>,
}

impl Capturing {
    /// Begins on every host, and returns when all of them see packets.
    pub(super) async fn start(
        pool: &mut Pool,
        lesson: &Lesson,
        block: &Block,
        capture: &Capture,
    ) -> Result<Self, String> {
        let mut running = Vec::new();
        for host in &capture.hosts {
            let failed = |why: String| format!("capture packets on {host}: {why}");
            if host.is_laptop() {
                return Err(failed("that needs privileges, which a laptop's user does not have".to_owned()));
            }
            let via = way_to(host, lesson, block);
            let machine = pool.host(host.as_str(), via).await.map_err(|error| failed(chain(&error)))?;
            let argv =
                ["bash", "--noprofile", "--norc", "-c", SCRIPT, "lab", &capture.filter].map(str::to_owned);
            let program = Program { argv: argv.to_vec(), ..Program::default() };
            let child = machine.spawn(program).await.map_err(|error| failed(chain(&error)))?;
            let mut stdout = child.stdout;
            let mut begun = Vec::new();
            // The file's header comes when the filter is in place.
            let header = timeout(LIMIT, async {
                while begun.len() < pcap::HEADER
                    && stdout.read_buf(&mut begun).await.is_ok_and(|count| count > 0)
                {}
            });
            header.await.map_err(|_| failed("tcpdump does not begin".to_owned()))?;
            if !pcap::is_one(&begun) {
                let said = String::from_utf8_lossy(&begun).trim().to_owned();
                return Err(failed(if said.is_empty() { "tcpdump does not begin".to_owned() } else { said }));
            }
            let packets = tokio::spawn(async move {
                // What came until the connection ended is still there.
                let _ = stdout.take(MOST + 1).read_to_end(&mut begun).await;
                begun
            });
            running.push(Running { host: host.clone(), stdin: child.stdin, packets });
        }
        Ok(Self(running))
    }

    /// Ends on every host. The packets, as the book reads them: JSON on one line.
    pub(super) async fn finish(self) -> Result<String, String> {
        sleep(AFTER).await;
        let mut seen: Vec<Seen> = Vec::new();
        for mut running in self.0 {
            // The end of its input is its end.
            let _ = running.stdin.shutdown().await;
            drop(running.stdin);
            let failed = |why: &str| format!("capture packets on {}: {why}", running.host);
            let file = timeout(LIMIT, running.packets).await.map_err(|_| failed("tcpdump does not end"))?;
            let file = file.map_err(|error| failed(&chain(&error)))?;
            if file.len() as u64 > MOST {
                return Err(failed(&format!("more than {} MiB came; narrow the filter", MOST >> 20)));
            }
            for (at, length, bytes) in pcap::packets(&file).map_err(failed)? {
                seen.push(Seen { host: running.host.to_string(), at, length, bytes });
            }
        }
        Ok(packets::json(seen))
    }
}

/// Through which host another one is reached: as this block says for its own, or as the lesson's other blocks say.
fn way_to<'a>(host: &HostName, lesson: &'a Lesson, block: &'a Block) -> Option<&'a str> {
    let says = |block: &'a Block| (block.host() == Some(host)).then(|| block.via());
    let via = says(block).or_else(|| lesson.blocks().find_map(says)).unwrap_or(block.via());
    via.filter(|via| *via != host).map(HostName::as_str)
}
