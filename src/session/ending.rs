//! Ending what a shell has started: everything in its session, and all descendants of that.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use super::{Machine, Program};

/// Longer than the script's own limits together (1 s for TERM, 1 s for KILL), with room for a slow connection and a
/// busy machine.
const LIMIT: Duration = Duration::from_secs(15);

/// Arguments: the reporter's directory and the shell's process id, which is its session id too. The directory says that
/// this is still the system on which the shell ran: it does not survive a reboot, and without it nothing is ended.
///
/// What was found once stays marked: its parent may end first. `sudo` may give its command a session of its own, so
/// descendants are found by parent too. What cannot be ended as this user (children of `sudo`) is ended through `sudo -n`.
const SCRIPT: &str = r#"
dir=$1 leader=$2
declare -A in=()
[[ -d $dir && $leader -gt 1 ]] || exit 0
read -r begun <"$dir/begun"
printf '%s' "${begun:-none}"
# The reporter and its helpers are told to leave; where there is no setsid, they are in the shell's session.
read -r reporter <"$dir/reporter"
members() {
  local stat line rest pid more=1
  local -A parent=() session=()
  for stat in /proc/[0-9]*/stat; do
    { read -r line <"$stat"; } 2>/dev/null || continue
    pid=${line%% *}
    rest=${line##*) }
    set -- $rest
    [[ $1 == [ZX] || $pid == "$$" || $pid == "$reporter" || $2 == "$reporter" ]] && continue
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
now() { now=${EPOCHREALTIME/[.,]/}; }
for name in TERM KILL; do
  now
  # By the clock: looking at all processes may take long on a busy machine, and KILL has to come.
  end=$((now + 1000000)) told=
  while
    members
    ((${#found[@]})) || break 2
    [[ $told != TERM ]] && signal "$name"
    told=$name
    now
    ((now < end))
  do
    sleep 0.025
  done
done
printf 'bye\n' 1<>"$dir/status"
[[ $dir == */lab.* ]] && rm -rf -- "$dir"
exit 0
"#;

/// Ends the session of shell `pid` on `machine`: TERM, after a second KILL. Returns when all have ended, or when that
/// takes too long; with the id of the last block that began in it, where that is known.
pub(super) async fn end_session(machine: &dyn Machine, directory: &str, pid: u32) -> Option<String> {
    let argv = ["bash", "--noprofile", "--norc", "-c", SCRIPT, "lab", directory, &pid.to_string()]
        .map(str::to_owned);
    let ending = async {
        let mut child = machine.spawn(Program { argv: argv.to_vec(), ..Program::default() }).await.ok()?;
        let mut begun = String::new();
        child.stdout.read_to_string(&mut begun).await.ok()?;
        let _ = child.exit.await;
        Some(begun)
    };
    timeout(LIMIT, ending).await.ok().flatten().filter(|begun| !begun.is_empty())
}
