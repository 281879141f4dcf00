//! Ending what a shell has started: everything in its session, and all descendants of that.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use super::{Machine, Program};

/// Longer than the script's own limits together (1 s for TERM, 1 s for KILL), with room for a slow connection.
const LIMIT: Duration = Duration::from_secs(6);

/// Arguments: the reporter's directory and the shell's process id, which is its session id too. The directory says that
/// this is still the system on which the shell ran: it does not survive a reboot, and without it nothing is ended.
///
/// What was found once stays marked: its parent may end first. `sudo` may give its command a session of its own, so descendants are found by parent too. What cannot be ended as
/// this user (children of `sudo`) is ended through `sudo -n`.
const SCRIPT: &str = r#"
dir=$1 leader=$2
declare -A in=()
[[ -d $dir && $leader -gt 1 ]] || exit 0
members() {
  local stat line rest pid more=1
  local -A parent=() session=()
  for stat in /proc/[0-9]*/stat; do
    { read -r line <"$stat"; } 2>/dev/null || continue
    pid=${line%% *}
    rest=${line##*) }
    set -- $rest
    [[ $1 == [ZX] || $pid == "$$" ]] && continue
    parent[$pid]=$2 session[$pid]=$4
  done
  while ((more)); do
    more=0
    for pid in "${!parent[@]}"; do
      [[ ${in[$pid]} ]] && continue
      if [[ ${session[$pid]} == "$leader" || ${parent[$pid]} == "$leader" || $pid == "$leader" ||
        ${in[${parent[$pid]}]} || ${in[${session[$pid]}]} ]]; then
        in[$pid]=1 more=1
      fi
    done
  done
  found=()
  for pid in "${!in[@]}"; do
    [[ ${parent[$pid]} ]] && found+=("$pid")
  done
}
signal() {
  local pid
  for pid in "${found[@]}"; do
    kill -s "$1" "$pid" 2>/dev/null && continue
    [[ -d /proc/$pid && $EUID != 0 ]] && sudo -n kill -s "$1" "$pid" 2>/dev/null
  done
}
for name in TERM KILL; do
  for ((round = 0; round < 40; round++)); do
    members
    ((${#found[@]})) || break 2
    ((round)) || signal "$name"
    [[ $name == KILL ]] && signal KILL
    sleep 0.025
  done
done
printf 'bye\n' 1<>"$dir/status"
[[ $dir == */lab.* ]] && rm -rf -- "$dir"
exit 0
"#;

/// Ends the session of shell `pid` on `machine`: TERM, after a second KILL. Returns when all have ended, or when that
/// takes too long.
pub(super) async fn end_session(machine: &dyn Machine, directory: &str, pid: u32) {
    let argv = ["bash", "--noprofile", "--norc", "-c", SCRIPT, "lab", directory, &pid.to_string()]
        .map(str::to_owned);
    let _ = timeout(LIMIT, async {
        let Ok(mut child) = machine.spawn(Program { argv: argv.to_vec(), ..Program::default() }).await else {
            return;
        };
        let mut ignored = Vec::new();
        let _ = child.stdout.read_to_end(&mut ignored).await;
        let _ = child.exit.await;
    })
    .await;
}
