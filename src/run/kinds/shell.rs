//! Commands, in the host's persistent shell.

use super::{Did, Stage};
use crate::lesson::Place;
use crate::run::chain;
use crate::session;

pub(super) async fn run(stage: &mut Stage<'_>, place: &Place) -> Result<Did, String> {
    let block = session::Block {
        name: stage.block.name.to_string(),
        origin: stage.origin(),
        script: stage.block.body.text.clone(),
        with: stage.with(place).await?,
        timeout: stage.deadline,
        interrupt: stage.interrupt.clone(),
    };
    let mut tell = stage.tell();
    let via = place.via.as_ref().map(|via| via.as_str());
    let interrupt = stage.interrupt.clone();
    let shell = tokio::select! {
        shell = stage.pool.shell(place.on.as_str(), via) => shell.map_err(|error| chain(&error))?,
        () = interrupt.triggered() => return Err("interrupted while the host was awaited".to_owned()),
    };
    shell.run(&block, &mut tell).await.map(Did::from).map_err(|error| chain(&error))
}
