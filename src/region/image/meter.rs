//! How far a build is, from what `mmdebstrap --verbose` prints.

use crate::region::client::Progress;

/// A phase: how it begins in the builder's output, what people read, and where it begins and ends in percent.
/// The shares are those of a build that was measured; they only have to be roughly right.
struct Phase {
    begins: &'static str,
    name: &'static str,
    from: u8,
    to: u8,
}

const PHASES: &[Phase] = &[
    Phase { begins: "I: running apt-get update", name: "reading the package lists", from: 1, to: 10 },
    Phase { begins: "I: downloading packages", name: "downloading the base system", from: 10, to: 20 },
    Phase { begins: "I: extracting archives", name: "unpacking the base system", from: 20, to: 35 },
    Phase {
        begins: "I: installing essential packages",
        name: "installing the base system",
        from: 35,
        to: 55,
    },
    Phase { begins: "I: installing remaining packages", name: "installing packages", from: 55, to: 95 },
    Phase { begins: "I: cleaning package lists", name: "finishing", from: 95, to: 100 },
];

/// What a package does in each phase, printed once for each package.
const STEPS: &[&str] = &["Get:", "Unpacking ", "Setting up "];

/// Counts.
#[derive(Default)]
pub(super) struct Meter {
    phase: Option<usize>,
    packages: u32,
    steps: u32,
    shown: u8,
}

impl Meter {
    /// Take one line of output; there is something to show if it moves.
    pub(super) fn line(&mut self, line: &str) -> Option<Progress> {
        if let Some(phase) = PHASES.iter().position(|phase| line.starts_with(phase.begins)) {
            self.phase = Some(phase);
            self.steps = 0;
            // A phase that does not say how many packages it has works on those of the one before.
        } else if let Some((_, rest)) = line.split_once("upgraded, ") {
            self.packages = rest.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
        } else if STEPS.iter().any(|step| line.starts_with(step)) {
            self.steps += 1;
        }
        let phase = &PHASES[self.phase?];
        // The last phases both unpack and set up, and the last also downloads.
        let expected = self.packages.max(1) * if phase.from >= 55 { 3 } else { 2 };
        let share = f64::from(self.steps.min(expected)) / f64::from(expected);
        let percent = f64::from(phase.from) + share * f64::from(phase.to - phase.from);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100")]
        let percent = percent as u8;
        if percent <= self.shown {
            return None;
        }
        self.shown = percent;
        Some(Progress::BuildingImage { phase: phase.name.to_owned(), percent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_grow_and_each_phase_is_named() {
        let lines = [
            "I: running apt-get update...",
            "Get:1 http://one.example/debian trixie InRelease",
            "I: downloading packages with apt...",
            "0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.",
            "Get:1 http://one.example/debian trixie/main amd64 a",
            "Get:2 http://one.example/debian trixie/main amd64 b",
            "I: extracting archives...",
            "I: installing essential packages...",
            "Setting up a (1) ...",
            "I: installing remaining packages inside the chroot...",
            "I: cleaning package lists and apt cache...",
        ];
        let mut meter = Meter::default();
        let shown: Vec<_> = lines
            .iter()
            .filter_map(|line| match meter.line(line)? {
                Progress::BuildingImage { phase, percent } => Some((percent, phase)),
                _ => None,
            })
            .collect();
        assert!(shown.is_sorted_by(|a, b| a.0 < b.0), "{shown:?}");
        assert_eq!(shown.first().map(|step| step.1.as_str()), Some("reading the package lists"));
        assert_eq!(shown.last(), Some(&(95, "finishing".to_owned())));
    }
}
