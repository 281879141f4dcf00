//! What holds for a shell wherever its bash runs. Called for this machine and for a host behind SSH.

mod ending;
mod left;
mod output;
mod state;
mod tampering;

use std::path::PathBuf;
use std::sync::Arc;

pub use ending::*;
use lab::session::{Block, Ended, Machine, Outcome, Setup, Shell};
pub use left::*;
pub use output::*;
pub use state::*;
pub use tampering::*;

/// A shell and what it printed as it came.
pub struct Subject {
    pub shell: Shell,
    pub machine: Arc<dyn Machine>,
    /// A directory on the machine that the test may use.
    pub scratch: PathBuf,
}

impl Subject {
    pub fn new(machine: Arc<dyn Machine>, scratch: PathBuf) -> Self {
        // The home of a login over SSH is a real one; tests keep out of it.
        let env = vec![("HOME".to_owned(), scratch.display().to_string())];
        Self { shell: Shell::new(Arc::clone(&machine), Setup { env, state: None }), machine, scratch }
    }

    pub(super) async fn run(&mut self, script: &str) -> Outcome {
        self.run_block(Block::new(script)).await
    }

    pub(super) async fn run_block(&mut self, block: Block) -> Outcome {
        let mut streamed = 0;
        let outcome =
            self.shell.run(&block, &mut |bytes| streamed += bytes.len() as u64).await.expect("runs");
        assert_eq!(streamed, outcome.output.total(), "all output is told as it comes");
        outcome
    }

    /// Runs a block that must end normally with status 0 and gives its output.
    pub(super) async fn output(&mut self, script: &str) -> String {
        let outcome = self.run(script).await;
        let text = outcome.output.to_text();
        assert_eq!((outcome.status, &outcome.ended), (Some(0), &Ended::Normally), "{script}\n{text}");
        text
    }
}

/// A bash function: whether a process runs (one that has ended may wait for its parent to notice).
const ALIVE: &str = "alive() { [[ $(cat /proc/$1/stat 2>/dev/null) == *') '[^ZX]' '* ]]; }\n";

fn variables(outcome: &Outcome) -> Vec<(&str, &str)> {
    outcome.variables.iter().map(|v| (v.name.as_str(), v.value.as_str())).collect()
}

/// The names of all checks, so that no place leaves one out.
#[macro_export]
macro_rules! session_checks {
    ($subject:path) => {
        $crate::session_checks!(@ $subject:
            state_survives_from_block_to_block
            standard_error_and_output_are_one_stream_in_order
            standard_input_is_empty
            assigned_variables_are_told
            variables_given_with_a_block_are_set_before_it
            exit_ends_the_block_and_its_state_is_kept
            exec_ends_the_block_with_the_status_of_what_replaced_the_shell
            a_killed_shell_is_replaced
            a_deadline_ends_the_block_and_all_it_started
            a_block_that_never_stops_printing_is_ended
            an_interrupt_ends_the_block
            a_child_that_holds_the_output_open_delays_nothing
            much_output_is_counted_and_its_ends_are_kept
            any_bytes_come_through
            closed_descriptors_end_in_a_clear_result
            a_changed_shell_still_tells_how_its_blocks_end
            a_traps_of_the_block_do_not_hide_its_end
            a_syntax_error_is_told_with_its_line
            nothing_printed_can_forge_the_end
            a_saved_state_starts_a_later_shell
            large_and_odd_texts_are_evaluated_as_written
            a_shell_that_left_between_two_blocks_is_replaced_and_the_next_block_runs
            a_block_that_leaves_without_a_word_has_its_status
            all_shells_of_one_boot_say_so
            closing_leaves_nothing_behind
            a_dropped_run_does_not_leave_its_block_running
            what_an_earlier_block_left_running_is_told_apart
            what_ends_within_its_block_is_part_of_its_result
            many_things_left_running_hold_up_nothing
            what_is_left_running_tells_for_which_block_it_runs
        );
    };
    (@ $subject:path: $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let (subject, _guard) = $subject().await;
                $crate::session_checks::$name(subject).await;
            }
        )*
    };
}
