//! The name services: the resolver of each VPC, and the one that the rest of the Internet asks.
//!
//! Names are few, so a question is answered from a table that is made for it (`names`), by the rules of DNS (`zones`),
//! in the words of DNS (`message`). Answers never depend on what was asked before: nothing is cached, and a TTL does
//! not count down.

mod message;
mod names;
mod serve;
mod zones;

use super::wanted::Place;
use crate::region::model::State;

pub(super) use serve::{datagrams, stream};

/// What a name server at `place` answers; nothing to what is not a question.
fn answer(state: &State, place: &Place, question: &[u8], transport: message::Transport) -> Option<Vec<u8>> {
    message::answer(question, transport, || names::seen_from(state, place))
}
