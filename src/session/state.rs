//! The saved state of a shell: what a new bash needs to go on where the last one was.

use std::collections::HashMap;

use super::assigned::assigned_names;
use super::block::BLOCK_VARIABLE;
use super::declare::Declared;
use super::outcome::Variable;

/// A shell's state between two blocks: variables, functions, options, aliases, mask and directory. Keep its text to
/// start a later shell from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Four parts, separated by NUL characters, which no part can hold: `declare -p`, `declare -f`,
    /// `alias -p; shopt -p; set +o; umask -p`, `pwd`.
    text: String,
}

impl State {
    pub(super) fn new(variables: &str, functions: &str, options: &str, directory: &str) -> Self {
        Self { text: [variables, functions, options, directory].join("\0") }
    }

    /// From what [`State::as_str`] gave; any other text is an empty state.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// The text, with NUL characters between its parts.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn part(&self, index: usize) -> &str {
        self.text.split('\0').nth(index).unwrap_or("")
    }

    fn variables(&self) -> impl Iterator<Item = Declared> {
        Declared::parse_all(self.part(0))
    }

    /// The value of a variable: a scalar's text, an array as bash writes it.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.variables().find(|declared| declared.name == name)?.value()
    }

    /// All variables that have a value, by name.
    pub fn values(&self) -> impl Iterator<Item = (String, String)> {
        self.variables()
            .filter_map(|declared| Some((declared.value()?, declared.name)))
            .map(|(value, name)| (name, value))
    }

    /// The shell's working directory; empty before the first block.
    pub fn directory(&self) -> &str {
        self.part(3).trim_end_matches('\n')
    }

    /// Bash text that brings the state back in a new shell. Variables in `not` stay as they are there.
    pub fn restoring_script(&self, not: &[&str]) -> String {
        let (aliases, options) = match self.part(2) {
            options if options.starts_with("shopt ") => ("", options),
            options => options.split_at(options.find("\nshopt ").map_or(options.len(), |at| at + 1)),
        };
        let mut script = String::new();
        let mut line = |text: &str| {
            script.push_str(text);
            script.push('\n');
        };
        let kept = |option: &&str| !OPTIONS_OF_A_BLOCK.contains(option);
        let (shopts, rest): (Vec<&str>, Vec<&str>) =
            options.lines().filter(kept).partition(|option| option.starts_with("shopt "));
        // First what decides how functions are parsed. Aliases after functions: they would be expanded in them. Last what
        // changes how all this is understood (`set -k`).
        shopts.into_iter().for_each(&mut line);
        for declared in self.variables() {
            let name = declared.name.as_str();
            if is_of_the_learner(name) && !BOUND_TO_A_SHELL.contains(&name) && !not.contains(&name) {
                line(&declared.line());
            }
        }
        line(self.part(1));
        line(aliases);
        rest.into_iter().for_each(&mut line);
        if !self.directory().is_empty() {
            line(&format!("\\builtin cd -- {}", quote(self.directory())));
        }
        script
    }

    /// What a block assigned: its plain assignments in their order, then what else changed, by name. `with` was set
    /// before it and counts only when it changed after that.
    pub(super) fn assigned_since(
        &self,
        before: &State,
        script: &str,
        with: &[(String, String)],
    ) -> Vec<Variable> {
        let before: HashMap<String, Declared> = before.variables().map(|d| (d.name.clone(), d)).collect();
        let given: HashMap<&str, &str> =
            with.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut after: HashMap<String, Declared> = self
            .variables()
            .filter(|d| is_of_the_learner(&d.name) && !SET_BY_THE_WAY.contains(&d.name.as_str()))
            .map(|d| (d.name.clone(), d))
            .collect();
        let mut assigned: Vec<Declared> =
            assigned_names(script).into_iter().filter_map(|name| after.remove(name)).collect();
        let mut changed: Vec<Declared> = after
            .into_values()
            .filter(|now| match given.get(now.name.as_str()) {
                Some(value) => now.value().as_deref() != Some(*value),
                None => before.get(&now.name).is_none_or(|then| then.quoted != now.quoted),
            })
            .collect();
        changed.sort_by(|a, b| a.name.cmp(&b.name));
        assigned.append(&mut changed);
        assigned.into_iter().filter_map(|d| Some(Variable { value: d.value()?, name: d.name })).collect()
    }
}

/// Bash's own variables, and those of this protocol, are nobody's result.
fn is_of_the_learner(name: &str) -> bool {
    let own =
        name == BLOCK_VARIABLE || ["BASH", "COMP_", "__lab_"].iter().any(|prefix| name.starts_with(prefix));
    !own && !OF_BASH.contains(&name)
}

const OF_BASH: &[&str] = &[
    "COMPREPLY",
    "COPROC",
    "COPROC_PID",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HISTCMD",
    "HISTFILE",
    "HOSTNAME",
    "HOSTTYPE",
    "LINENO",
    "MACHTYPE",
    "OPTERR",
    "OPTIND",
    "OSTYPE",
    "PIPESTATUS",
    "PPID",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "SHLVL",
    "SRANDOM",
    "UID",
    "_",
];

/// Changed by `cd`, `read`, `getopts`, and by the size of a terminal: not by an assignment of the block's.
const SET_BY_THE_WAY: &[&str] = &["PWD", "OLDPWD", "OPTARG", "COLUMNS", "LINES"];

/// They describe one login or one terminal and are given to the new shell anew.
const BOUND_TO_A_SHELL: &[&str] =
    &["PWD", "TERM", "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY", "SSH_AUTH_SOCK"];

/// Set and taken back around every block; `noexec` would leave a shell that does nothing.
const OPTIONS_OF_A_BLOCK: &[&str] = &[
    "set -o errexit",
    "set -o errtrace",
    "set -o xtrace",
    "set -o verbose",
    "set -o noexec",
    "set -o onecmd",
    "shopt -s login_shell",
    "shopt -u login_shell",
    "shopt -s restricted_shell",
    "shopt -u restricted_shell",
    "set -o interactive-comments",
    "set -o history",
    "set -o monitor",
];

/// Quotes text as one bash word.
pub(super) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(variables: &str) -> State {
        State::new(variables, "", "", "/home/admin\n")
    }

    fn names(variables: &[Variable]) -> Vec<&str> {
        variables.iter().map(|v| v.name.as_str()).collect()
    }

    #[test]
    fn text_survives_a_round_trip() {
        let state = State::new("declare -- A=\"1\"\n", "f () \n", "umask 0022\n", "/x\n");
        assert_eq!(State::from_text(state.as_str()), state);
        assert_eq!((state.directory(), state.variable("A")), ("/x", Some("1".to_owned())));
        assert_eq!(State::from_text("junk").directory(), "");
    }

    #[test]
    fn assigned_variables_come_in_the_order_of_the_text_and_others_by_name() {
        let before = state("declare -- SAME=\"1\"\ndeclare -- KEPT=\"1\"\n");
        let after = state(
            "declare -- A=\"2\"\ndeclare -- BASH_X=\"1\"\ndeclare -- KEPT=\"1\"\ndeclare -- SAME=\"1\"\ndeclare -- Y=\"3\"\ndeclare -- X=\"3\"\n\
             declare -- Z=\"3\"\ndeclare -ir UID=\"0\"\n",
        );
        let assigned = after.assigned_since(&before, "Z=3\nSAME=1; read X Y A", &[]);
        assert_eq!(names(&assigned), ["Z", "SAME", "A", "X", "Y"]);
    }

    #[test]
    fn variables_given_with_a_block_do_not_count_unless_changed() {
        let after = state("declare -- A=\"1\"\ndeclare -- B=\"changed\"\n");
        let with = [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "1".to_owned())];
        assert_eq!(names(&after.assigned_since(&state(""), "true", &with)), ["B"]);
    }

    #[test]
    fn restoring_leaves_out_what_belongs_to_bash_and_what_the_caller_sets() {
        let state = state("declare -ir UID=\"0\"\ndeclare -- A=\"1\"\ndeclare -x SOCKET=\"/old\"\n");
        let script = state.restoring_script(&["SOCKET"]);
        assert!(script.contains("declare -- A=\"1\"\n"));
        assert!(!script.contains("UID") && !script.contains("SOCKET"));
        assert!(script.contains("cd -- '/home/admin'"));
    }
}
