//! Pending files speak the recording's vocabulary.

use super::*;
use crate::snapshot::volatile::{self, Hints, Kind};

/// What is translated back with the renaming learned from it holds no identity of this run, and is still the same.
#[test]
fn a_result_translated_back_is_the_recorded_one_but_for_quantities() {
    for case in case::all() {
        let mut renaming = case.renaming();
        assert!(compare(&case.recorded, &case.now, &case.rules, &mut renaming).matches(), "{}", case.name);
        let back = renaming.translate_record_back(&case.now, &case.rules);
        // Once accepted it is the reference, beside records of the recording's region.
        assert_eq!(back.origin.region, case.recorded.origin.region, "{}", case.name);
        let verdict = compare(&back, &case.recorded, &case.rules, &mut Renaming::default());
        assert!(
            verdict.matches(),
            "{}:\n{}",
            case.name,
            crate::snapshot::render(verdict.difference().unwrap(), false, 160)
        );
        // Whatever lives longer than a block is now spelled as it was recorded.
        let lasting = |text: &str| {
            let mut all: Vec<String> = volatile::find(text, &Hints::of(&case.rules.chosen))
                .into_iter()
                .filter(|token| match &token.kind {
                    Kind::Identity(identity) => identity.class.scope() != volatile::Scope::Block,
                    _ => false,
                })
                .map(|token| text[token.span].to_owned())
                .collect();
            if case.rules.matching == Matching::Lines {
                all.sort();
            }
            all
        };
        assert_eq!(lasting(&back.output), lasting(&case.recorded.output), "{}", case.name);
    }
}
