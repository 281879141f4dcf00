//! A difference for the terminal.

use super::Difference;

/// The difference as text for a terminal of this width: reasons, then the changed lines with their surroundings,
/// `-` recorded and `+` new, what changed within a line marked. With `colour`, ANSI codes; readable without.
pub fn render(difference: &Difference, colour: bool, width: usize) -> String {
    todo!()
}
