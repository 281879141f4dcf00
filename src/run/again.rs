//! A block that was cut short, taken up again: nothing that it had made is made twice.

use std::time::Duration;

use aws_config::Region;
use jiff::Timestamp;

use crate::aws::journal::{Entry, Made, Origin};
use crate::aws::resume::{Resumption, resume, settle};
use crate::aws::teardown::{Progress, Scope, teardown};
use crate::event::{EventKind, Sink};
use crate::lesson::{Block, Lesson};
use crate::run::chain;
use crate::run::engine::{Engine, RunError, event};

/// How long it may take to delete what one block had made.
const DELETING: Duration = Duration::from_secs(15 * 60);

impl Engine<'_> {
    /// Prepares the first block of a run, of which an earlier run may have done a part: what it was answered then, it is
    /// answered again. Gives the ids of what it had made and that is there, `None` where it has done nothing.
    ///
    /// # Errors
    /// It had made something, and running it again might make that twice.
    pub(super) async fn take_up(
        &self,
        lesson: &Lesson,
        block: &Block,
    ) -> Result<Option<Vec<String>>, RunError> {
        let origin = Origin { lesson: lesson.id.clone(), block: block.name.clone() };
        if !self.journal.knows(&origin) {
            return Ok(None);
        }
        if self.options.redo {
            self.undo(lesson, block, &origin).await?;
        }
        let resumption = resume(&self.caller, &self.journal, &self.lab.state.session, &origin).await;
        let (created, why) = match resumption {
            Ok(Resumption::GoOn { answered }) => {
                let there = answered.iter().flat_map(|answered| answered.made.iter().cloned()).collect();
                let is_new = answered.is_empty();
                self.replay.begin(&origin, answered);
                return Ok(Some(there).filter(|_| !is_new));
            }
            Ok(Resumption::Stop { made, why }) => (made, why),
            Err(error) => {
                let created = self.journal.created_by(&origin);
                (created, format!("whether that still exists is not known: failed to {}", chain(&error)))
            }
        };
        Err(RunError::HadCreated { lesson: lesson.id.clone(), block: block.name.clone(), created, why })
    }

    /// Deletes what a block had made, and nothing else.
    async fn undo(&self, lesson: &Lesson, block: &Block, origin: &Origin) -> Result<(), RunError> {
        let left = |id: String, reason: String| {
            let left = crate::aws::teardown::Leftover { id, reason, cents_a_month: 0 };
            RunError::Left { lesson: lesson.id.clone(), block: block.name.clone(), left }
        };
        let settled = settle(&self.caller, &self.journal, &self.lab.state.session, origin).await;
        settled.map_err(|error| left("all of it".to_owned(), chain(&error)))?;
        for region in self.journal.regions() {
            let here = |made| match made {
                Made::Resource { id, region: own } if own == region => Some(id),
                _ => None,
            };
            let ids = self.journal.made_by(origin).into_iter().filter_map(here).collect();
            let scope = Scope { ids, session: None, region: region.clone() };
            if scope.ids.is_empty() {
                continue;
            }
            let config = self.ec2.config().to_builder().region(Region::new(region));
            let ec2 = aws_sdk_ec2::Client::from_conf(config.build());
            let torn = teardown(&ec2, &scope, DELETING, &Tell(&*self.sink)).await;
            let at = Timestamp::now();
            let written = self.journal.write(Entry::Deleted { at, ids: torn.gone });
            written.map_err(|error| left("all of it".to_owned(), chain(&error)))?;
            if let Some(one) = torn.leftovers.into_iter().next() {
                return Err(RunError::Left {
                    lesson: lesson.id.clone(),
                    block: block.name.clone(),
                    left: one,
                });
            }
        }
        Ok(())
    }
}

/// Tells what is deleted, as preparation of the block.
struct Tell<'a>(&'a dyn Sink);

impl Progress for Tell<'_> {
    fn tell(&self, line: &str) {
        let kind = EventKind::PreparationProgressed { what: line.to_owned(), fraction: None };
        self.0.take(&event(None, None, kind));
    }
}
