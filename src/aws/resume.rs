//! Before a block that did not come to its end runs again: which of what it had made is still there, and what it may be
//! answered without asking EC2 once more.
//!
//! The journal sees what the laptop's `aws` deletes at once. Instances and NAT gateways go slowly, others by other ways,
//! and a request whose answer never came may have made something: EC2 is asked, and the answer written down.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::creation::ids_at;
use super::journal::{Entry, Journal, Made, NOTHING_FOUND, Origin, answer_to};
use super::replay::Answered;
use super::request::{Call, Request, Target};
use super::secret::tells_secrets;
use super::survey::{answer_anew, living, tagged};
use crate::wire::Service;

pub use super::survey::SurveyError;

/// After this time EC2 shows what a request has made: its answers are eventually consistent.
const SHOWN_AFTER: Duration = Duration::from_secs(5);

/// How a block can run again that did not come to its end.
#[derive(Debug, PartialEq)]
pub enum Resumption {
    /// From its beginning; these requests have been answered before.
    GoOn { answered: Vec<Answered> },
    /// Not by itself: these are there, and would be made twice.
    Stop { made: Vec<String>, why: String },
}

/// Finds out how the block `origin` can run again. The journal learns what is gone, and what became of requests without an
/// answer. A key pair whose private half was told the earlier attempt, and is not held, is deleted.
///
/// # Errors
/// EC2 did not answer, or the journal cannot be written. What was learned before is kept.
pub async fn resume(
    call: &dyn Call,
    journal: &Journal,
    session: &str,
    origin: &Origin,
) -> Result<Resumption, SurveyError> {
    settle(call, journal, session, origin).await?;
    let living: BTreeSet<String> = journal.living().into_iter().collect();
    let past = history(journal, origin);
    let there = |past: &Past| past.made.iter().filter(|id| living.contains(*id)).count();
    let made: Vec<String> =
        past.iter().flat_map(|past| &past.made).filter(|id| living.contains(*id)).cloned().collect();
    let stop = |why: String| Ok(Resumption::Stop { made: made.clone(), why });
    let mut answered = Vec::new();
    let mut lost = Vec::new();
    // Whether all that was made before is there.
    let mut whole = true;
    for one in &past {
        let Past { operation, region, request, made, answer, alone, .. } = one;
        match there(one) {
            // What it made is gone: it is made anew, and what was changed after it may not hold.
            0 if one.token.is_some() => {
                whole = false;
                continue;
            }
            count if count < made.len() => {
                return stop(format!("{operation} had made {}, of which some are gone", made.join(", ")));
            }
            _ => {}
        }
        let Some(request) = request else {
            return stop(format!("the journal does not say what was asked of {operation}"));
        };
        let key = one.token.as_ref().or(one.request.as_ref());
        let held = key.and_then(|key| journal.held(key));
        if one.token.is_some() && is_secret(operation) && held.is_none() {
            let name = answer.as_ref().and_then(|answer| answer["KeyName"].as_str()).unwrap_or_default();
            if let Some(user) = past.iter().find(|other| there(other) > 0 && other.uses_key(name)) {
                return stop(format!(
                    "{} has the key pair `{name}`, whose private half was told once and may be lost",
                    user.made.join(", ")
                ));
            }
            lost.push(one);
            whole = false;
            continue;
        }
        let answer = match held.as_ref().or(answer.as_ref()) {
            Some(answer) => Some(answer.clone()),
            None => answer_anew(call, region, operation, made).await?,
        };
        let Some(answer) = answer else {
            return stop(format!("what {operation} had answered is not known"));
        };
        let (operation, request) = (operation.clone(), request.clone());
        answered.push(Answered { operation, request, answer, made: made.clone(), sure: whole && *alone });
    }
    for one in lost {
        delete_key_pair(call, journal, one).await?;
    }
    Ok(Resumption::GoOn { answered })
}

/// Lets the journal learn what of `origin` is gone, and what became of its requests without an answer.
///
/// # Errors
/// EC2 did not answer, or the journal cannot be written. What was learned before is kept.
pub async fn settle(
    call: &dyn Call,
    journal: &Journal,
    session: &str,
    origin: &Origin,
) -> Result<(), SurveyError> {
    for made in journal.made_by(origin) {
        let Made::Unanswered { at, token, operation, region } = made else { continue };
        let age = Duration::try_from(Timestamp::now().duration_since(at)).unwrap_or_default();
        tokio::time::sleep(SHOWN_AFTER.saturating_sub(age)).await;
        let known = journal.known();
        let found = tagged(call, &region, session, &operation).await?;
        let ids: Vec<String> = found.into_iter().filter(|id| !known.contains(id)).collect();
        let at = Timestamp::now();
        journal.write(match ids.is_empty() {
            true => Entry::Refused { at, token, code: NOTHING_FOUND.to_owned() },
            false => Entry::Created { at, token, ids, answer: None },
        })?;
    }
    for region in journal.regions() {
        let here = |made| match made {
            Made::Resource { id, region: own } if own == region => Some(id),
            _ => None,
        };
        let ids: Vec<String> = journal.made_by(origin).into_iter().filter_map(here).collect();
        let living = living(call, &region, &ids).await?;
        let gone: Vec<String> = ids.into_iter().filter(|id| !living.contains(id)).collect();
        if !gone.is_empty() {
            journal.write(Entry::Deleted { at: Timestamp::now(), ids: gone })?;
        }
    }
    Ok(())
}

/// A request of a block that was answered, as far as the journal says.
#[derive(Debug)]
struct Past {
    operation: String,
    region: String,
    request: Option<String>,
    /// Of what creates.
    token: Option<String>,
    made: Vec<String>,
    /// Without secrets.
    answer: Option<Value>,
    /// Whether nobody else has changed anything since.
    alone: bool,
}

impl Past {
    /// Whether it has started instances with this key pair.
    fn uses_key(&self, name: &str) -> bool {
        self.answer
            .as_ref()
            .is_some_and(|answer| ids_at(answer, "/Instances/*/KeyName").iter().any(|own| own == name))
    }
}

/// What a block has asked and was answered, in order.
fn history(journal: &Journal, origin: &Origin) -> Vec<Past> {
    let entries = journal.entries();
    let mut history: Vec<Past> = Vec::new();
    for entry in &entries {
        let (by, past) = match entry.clone() {
            Entry::Intended { token, operation, region, origin, request, .. } => {
                let Some(Entry::Created { ids, answer, .. }) = answer_to(&entries, &token).cloned() else {
                    continue;
                };
                (
                    origin,
                    Past { operation, region, request, token: Some(token), made: ids, answer, alone: true },
                )
            }
            Entry::Changed { operation, region, origin, request, answer, .. } => {
                let request = Some(request);
                (
                    origin,
                    Past { operation, region, request, token: None, made: Vec::new(), answer, alone: true },
                )
            }
            Entry::Created { .. } | Entry::Refused { .. } | Entry::Deleted { .. } => continue,
        };
        if by.as_ref() == Some(origin) {
            history.push(past);
        } else {
            history.iter_mut().for_each(|past| past.alone = false);
        }
    }
    history
}

fn is_secret(operation: &str) -> bool {
    Service::ec2().operation(operation).is_some_and(tells_secrets)
}

async fn delete_key_pair(call: &dyn Call, journal: &Journal, past: &Past) -> Result<(), SurveyError> {
    const OPERATION: &str = "DeleteKeyPair";
    let Some(operation) = Service::ec2().operation(OPERATION) else { return Ok(()) };
    for id in &past.made {
        let target = Target { region: Some(past.region.clone()), ..Target::default() };
        let request = Request { operation, params: json!({"KeyPairId": id}), target, origin: None };
        call.call(&request).await.map_err(|source| SurveyError::Call { operation: OPERATION, source })?;
    }
    journal.write(Entry::Deleted { at: Timestamp::now(), ids: past.made.clone() })?;
    Ok(())
}

#[cfg(test)]
mod tests;
