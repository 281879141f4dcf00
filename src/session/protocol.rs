//! The bash text of the protocol: what is sent to the shell, and to the program beside it that reports the status.
//!
//! Two programs run on a machine for one shell. The *shell* reads commands from its standard input and prints what
//! blocks print. The *reporter* made a private directory with a named pipe, and tells what arrives in it. A block's end
//! goes like this: the shell writes its state to a file of that directory and a line to the pipe, both by path; the
//! reporter hands line and state on; only then is a fresh nonce sent to the shell, which prints it, and that ends the
//! output. Everything here is done by builtins: no process starts for a block.

use super::state::quote;

/// Descriptor of the shell on which its output goes, whatever a block does to 1 and 2.
const OUTPUT: u32 = 240;
/// Descriptor of the shell on which its commands come, whatever a block does to 0.
const COMMANDS: u32 = 241;

/// The reporter. Prints its directory, then which boot of the machine this is (the kernel's word for it, and when the
/// first process began: a container may have only the latter of its own), then one message a line of the pipe: the line, four parts of state, and `end`,
/// each ended by a NUL. It leaves, and takes the directory with it, after `bye`, when nobody listens any more, and some
/// time after the shell has gone.
pub(super) const REPORTER: &str = r#"
umask 077
for base in /dev/shm "${TMPDIR:-/tmp}"; do
  [[ -d $base && -w $base ]] && dir=$(mktemp -d "$base/lab.XXXXXXXXXXXX") && break
done
[[ $dir ]] && mkfifo "$dir/status" && : >"$dir/state.0" >"$dir/state.1" >"$dir/begun" || exit 1
trap 'rm -rf -- "$dir"' EXIT
trap 'exit 0' HUP TERM
trap '' PIPE
exec 3<>"$dir/status"
read -r boot </proc/sys/kernel/random/boot_id
read -r first </proc/1/stat && set -- ${first##*) }
printf '%s\0' "$dir" "$boot ${20}"
shell=
while :; do
  if ! read -r -t 20 -u 3 kind id status slot; then
    [[ -z $shell || -d /proc/$shell ]] && continue
    exit
  fi
  parts=()
  [[ $kind == ready ]] && shell=$status
  case $kind in
    bye) exit ;;
    ready | done | exit) mapfile -d '' -t parts <"$dir/state.$slot" ;;
  esac
  printf '%s\0' "$kind $id $status" "${parts[0]}" "${parts[1]}" "${parts[2]}" "${parts[3]}" "${parts[4]}" || exit
done
"#;

/// What a new shell is told first: descriptors and a plain environment.
pub(super) fn beginning(env: &[(String, String)]) -> String {
    format!(
        "exec 2>&1 {OUTPUT}>&1 {COMMANDS}<&0\nunset HISTFILE PROMPT_COMMAND BASH_ENV ENV\n\
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
  \builtin printf %s "$1" >|{directory}/begun
}} 2>/dev/null
__lab_n() {{
  \builtin printf %s "$1" >&{OUTPUT} || \builtin printf 'lost %s 0 0\n' "$1" 1<>{directory}/status
}} 2>/dev/null
__lab_p() {{
  __lab_save 0
  \builtin printf '%s %s %s 0\n' "$1" "$2" "$$" 1<>{directory}/status
}}
__lab_f=0 __lab_i=none
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

/// Brings a state back; what cannot be brought back (a removed directory) is left out silently.
pub(super) fn restore(script: &str) -> String {
    format!("{}\\builtin eval \"$__lab_t\" >/dev/null 2>&1 </dev/null\n", text(script))
}

/// Evaluates a block. That it has begun is written to a file first: a shell that had left before it must not pass for one
/// in which the block ended. Setting `LINENO` makes bash count the block's lines from 1 in its messages; it has to happen in
/// the redirection of a group, because a simple command puts the number back when it ends.
pub(super) fn evaluate(id: &str, script: &str, with: &[(String, String)]) -> String {
    let given: String = with.iter().map(|(name, value)| format!("{name}={}\n", quote(value))).collect();
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
