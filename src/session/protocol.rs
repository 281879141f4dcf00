//! The bash text of the protocol: what is sent to the shell, and to the program beside it that reports the status.
//!
//! Two programs run on a machine for one shell, over one channel. The *shell* reads commands from its standard input and
//! prints what blocks print. The *reporter* made a private directory with a named pipe, and tells what arrives in it on
//! standard error. A block's end goes like this: the shell writes its state to a file of that directory and a line to the
//! pipe, both by path; the reporter hands line and state on; only then is a fresh nonce sent to the shell, which prints it,
//! and that ends the output. All of it is done by builtins: no process starts for a block before its end.
//!
//! What blocks print goes into a named pipe, a *slot*, from which the reporter's `cat` carries it to standard output. After
//! a block that started a process (the last word of `/proc/loadavg` is the last process id) the shell goes on to another
//! slot. Where something still holds the old one, that block has left it running: what it prints from then on goes into a
//! file and is told apart. A fresh mark on standard output says that nothing but the new slot is carried there.

use super::block::{BLOCK_VARIABLE, Block};
use super::state::quote;

/// Descriptor of the shell on which its output goes, whatever a block does to 1 and 2.
const OUTPUT: u32 = 240;
/// Descriptor of the shell on which its commands come, whatever a block does to 0.
const COMMANDS: u32 = 241;

/// Starts the reporter (argument 1), away from the shell's session where that is possible, and becomes the shell.
pub(super) const START: &str = r#"
if type -P setsid >/dev/null; then
  (setsid bash --noprofile --norc -c "$1" lab </dev/null &)
else
  set -m
  (bash --noprofile --norc -c "$1" lab </dev/null &)
fi
exec bash --noprofile --norc 2>&1
"#;

/// The reporter. Tells its directory, then which boot of the machine this is (the kernel's word for it, and when the
/// first process began: a container may have only the latter of its own), then one message a line of the pipe: the line,
/// four parts of state, and `end`, each ended by a NUL. It leaves, and takes the directory with it, after `bye`, when nobody listens any more, and some
/// time after the shell has gone. Without a directory it tells an empty name.
///
/// `from` has a descriptor for each slot, so that nobody who writes to one is without a reader; `left` the process that
/// takes what comes from a slot that something still holds, `owner` the block that started it, and `told` how much of it
/// was told. To read from a slot is possible at its end, too, which tells a slot that nobody holds from a silent one.
pub(super) const REPORTER: &str = r#"
exec 7>&1 8>&2 2>/dev/null
umask 077
LC_ALL=C
for base in /dev/shm "${TMPDIR:-/tmp}"; do
  [[ -d $base && -w $base ]] && dir=$(mktemp -d "$base/lab.XXXXXXXXXXXX") && break
done
[[ $dir ]] && mkfifo "$dir/status" "$dir/never" "$dir/out.0" "$dir/out.1" &&
  : >"$dir/state.0" >"$dir/state.1" >"$dir/begun" || {
  printf '\0\0' >&8
  exit 1
}
printf %s "$$" >"$dir/reporter"
leave() {
  [[ $pump ]] && kill "$pump"
  rm -rf -- "$dir"
}
trap leave EXIT
trap 'exit 0' HUP TERM
trap '' PIPE
exec 3<>"$dir/status" 4<>"$dir/never"
open() {
  local in
  exec 9<>"$dir/out.$1" {in}<"$dir/out.$1" 9>&-
  from[$1]=$in
}
open 0; open 1
free=(1)
printf 0 >"$dir/next"
tell() {
  local text
  [[ -s $dir/left.$1 ]] || return
  text=$(<"$dir/left.$1")
  [[ ${text:${told[$1]}} ]] && printf '%s\0' "left ${owner[$1]} 0" "${text:${told[$1]}}" '' '' '' end >&8
  told[$1]=${#text}
}
strays() {
  local slot ended
  for slot in "${!left[@]}"; do
    kill -0 "${left[$slot]}" && ended= || ended=1
    tell "$slot"
    [[ $ended ]] && unset "left[$slot]" && free+=("$slot")
  done
}
aside() {
  local tries=0
  while kill -0 "$pump"; do
    read -t 0 -u "${from[$used]}" || break
    ((++tries > 80)) && break
    ((tries > 50)) && read -t 0.001 -u 4
  done
  if ! kill -0 "$pump"; then
    free+=("$used")
    return
  fi
  kill "$pump"
  wait "$pump"
  : >"$dir/left.$used"
  # A limit that cat does not outlive, since it writes down at once what head would hold back.
  { (ulimit -f 64; exec cat >"$dir/left.$used"); exec cat >/dev/null; } <&"${from[$used]}" 7>&- 8>&- &
  left[$used]=$! owner[$used]=$block told[$used]=0
}
next() {
  [[ $pump ]] && aside
  used=$2
  printf %s "$1" >&7
  cat <&"${from[$used]}" >&7 8>&- &
  pump=$!
  if ((${#free[@]} == 0)); then
    ((++slots))
    mkfifo "$dir/out.$slots" && open "$slots" && free=("$slots")
  fi
  printf %s "${free[0]}" >"$dir/next"
  free=("${free[@]:1}")
}
read -r boot </proc/sys/kernel/random/boot_id
read -r first </proc/1/stat && set -- ${first##*) }
printf '%s\0' "$dir" "$boot ${20}" >&8
shell= pump= block=none slots=1 left=() owner=() told=()
while :; do
  if ! read -r -t 20 -u 3 kind id status slot; then
    [[ -z $shell || -d /proc/$shell ]] && continue
    exit
  fi
  parts=()
  case $kind in
    bye) exit ;;
    next) next "$id" "$status"; continue ;;
    ready) shell=$status ;;
    done | exit) block=$id; ((${#left[@]})) && strays ;;
  esac
  case $kind in
    ready | done | exit) mapfile -d '' -t parts <"$dir/state.$slot" ;;
  esac
  printf '%s\0' "$kind $id $status" "${parts[0]}" "${parts[1]}" "${parts[2]}" "${parts[3]}" "${parts[4]}" >&8 || exit
done
"#;

/// What a new shell is told first: descriptors and a plain environment.
pub(super) fn beginning(env: &[(String, String)]) -> String {
    format!(
        "exec {COMMANDS}<&0\nunset HISTFILE PROMPT_COMMAND BASH_ENV ENV\n\
         export TERM=dumb LANG=C.UTF-8\n{}",
        exports(env)
    )
}

/// Sets and exports.
pub(super) fn exports(env: &[(String, String)]) -> String {
    env.iter().map(|(name, value)| format!("{name}={}\n\\builtin export {name}\n", quote(value))).collect()
}

/// The protocol's functions. They come after a state was brought back, which may hold those of an earlier shell.
///
/// The ERR trap makes a block stop as `set -e` would, without losing the shell. Bash runs it under exactly the conditions
/// of `set -e`, and just before that would take effect, which leaves room to unwind instead: out of functions and
/// sourced files by `return` (the caller then fails in turn), out of the block's `eval` by `break`. Subshells are left to
/// the real `set -e`, which also is off in command substitutions, as in a script.
pub(super) fn functions(directory: &str) -> String {
    let directory = quote(directory);
    format!(
        r#"__lab_e='__lab_s=$?; if [[ $- == *e* && ${{BASH_SUBSHELL:-0}} == 0 ]]; then if [[ ${{FUNCNAME-}} ]]; then \builtin return $__lab_s; else \builtin set +e; \builtin break 9999; fi; fi'
__lab_save() {{
  {{
    \builtin declare -p; \builtin printf '\0'
    \builtin declare -f; \builtin printf '\0'
    \builtin alias -p; \builtin shopt -p; \builtin set +o; \builtin umask -p; \builtin printf '\0'
    \builtin pwd; \builtin printf '\0end\0'
  }} >|{directory}/state."$1" 2>/dev/null
}}
__lab_end() {{
  \builtin set +eEvx
  __lab_f=$((1 - __lab_f))
  __lab_save "$__lab_f"
  __lab_i=none
  \builtin printf 'done %s %s %s\n' "$1" "$2" "$__lab_f" 1<>{directory}/status
}}
__lab_exit() {{
  [[ $__lab_i == bye ]] && return
  if [[ $__lab_i == none ]]; then
    \builtin read -r -t 5 -u {COMMANDS} _ __lab_x && \builtin printf 'lost %s 0 0\n' "$__lab_x" 1<>{directory}/status
    return
  fi
  \builtin set +eEvx
  __lab_f=$((1 - __lab_f))
  __lab_save "$__lab_f"
  \builtin printf 'exit %s %s %s\n' "$__lab_i" "$1" "$__lab_f" 1<>{directory}/status
  \builtin read -r -t 5 -u {COMMANDS} _ __lab_x && __lab_n "$__lab_x"
}}
__lab_b() {{
  __lab_i=$1
  IFS= \builtin read -r __lab_q </proc/loadavg
  \builtin printf %s "$1" >|{directory}/begun
}} 2>/dev/null
__lab_n() {{
  \builtin printf %s "$1" >&{OUTPUT} || \builtin printf 'lost %s 0 0\n' "$1" 1<>{directory}/status
}} 2>/dev/null
__lab_r() {{
  IFS= \builtin read -r __lab_o </proc/loadavg 2>/dev/null
  if [[ ${{__lab_o##* }} && ${{__lab_o##* }} == "${{__lab_q##* }}" ]]; then
    __lab_n "$1"
    return
  fi
  IFS= \builtin read -r __lab_o <{directory}/next 2>/dev/null
  if [[ $__lab_o ]] && \command exec {OUTPUT}>{directory}/out."$__lab_o" 1>&{OUTPUT} 2>&{OUTPUT} &&
    [[ /proc/self/fd/{OUTPUT} -ef {directory}/out.$__lab_o ]]; then
    \builtin printf 'next %s %s 0\n' "$1" "$__lab_o" 1<>{directory}/status
  else
    __lab_n "$1"
  fi
}}
__lab_p() {{
  __lab_save 0
  \builtin printf '%s %s %s 0\n' "$1" "$2" "$$" 1<>{directory}/status
}}
__lab_f=0 __lab_i=none __lab_q=
trap '{{ __lab_exit "$?"; }} 2>/dev/null' EXIT
"#
    )
}

/// Asks the shell to answer `ready ID PID` with its state.
pub(super) fn answer(id: &str) -> String {
    format!("{{ __lab_p ready {id}; }} 2>/dev/null\n")
}

/// Tells the shell that it will be ended, and that nobody waits for its status.
pub(super) const BYE: &str = "__lab_i=bye\n";

/// Sends the nonce that ends the output.
pub(super) fn nonce(nonce: &str) -> String {
    format!("__lab_n {nonce}\n")
}

/// Makes the shell go on to the next slot; the mark comes when nothing else is carried any more.
pub(super) fn next(mark: &str) -> String {
    format!("__lab_r {mark}\n")
}

/// Brings a state back; what cannot be brought back (a removed directory) is left out silently.
pub(super) fn restore(script: &str) -> String {
    format!("{}\\builtin eval \"$__lab_t\" >/dev/null 2>&1 </dev/null\n", text(script))
}

/// Evaluates a block. That it has begun is written to a file first: a shell that had left before it must not pass for one
/// in which the block ended. Setting `LINENO` makes bash count the block's lines from 1 in its messages; it has to happen in
/// the redirection of a group, because a simple command puts the number back when it ends.
pub(super) fn evaluate(id: &str, block: &Block) -> String {
    let Block { script, with, origin, .. } = block;
    let mut given: String = with.iter().map(|(name, value)| format!("{name}={}\n", quote(value))).collect();
    if !origin.is_empty() {
        given.push_str(&exports(&[(BLOCK_VARIABLE.to_owned(), origin.clone())]));
    }
    format!(
        "{given}{text}__lab_b {id}\n{{ :; }} </dev/null\"${{__lab_z[LINENO=0]-}}\"\n\
         while :; do __lab_s=0; \\builtin trap -- \"$__lab_e\" ERR; \\builtin set -eE; \\builtin eval \"$__lab_t\"; \
         __lab_s=$?; break; done </dev/null >&{OUTPUT} 2>&{OUTPUT}; {{ __lab_end {id} \"$__lab_s\"; }} 2>/dev/null\n",
        text = text(script),
    )
}

/// Sets `__lab_t`. Bash takes its commands from a pipe byte by byte, but what `read -N` takes in large pieces; since
/// that counts characters, by a locale that a block may have changed, it is for ASCII only.
fn text(script: &str) -> String {
    if script.is_ascii() && !script.is_empty() {
        let length = script.len();
        format!("\\builtin read -r -N {length} __lab_t || \\builtin exit 1\n{script}\n")
    } else {
        format!("__lab_t={}\n", quote(script))
    }
}
