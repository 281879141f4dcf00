//! What a block leaves running, and what that prints while later blocks run.

use lab::session::{Block, Outcome, Stray};

use super::Subject;

async fn named(s: &mut Subject, name: &str, script: &str) -> Outcome {
    let mut block = Block::new(script);
    block.name = name.to_owned();
    s.run_block(block).await
}

fn text(outcome: &Outcome) -> String {
    outcome.output.to_text()
}

pub async fn what_an_earlier_block_left_running_is_told_apart(mut s: Subject) {
    let first = named(&mut s, "tick", "(while :; do echo tick; sleep 0.1; done) & echo started").await;
    assert!(text(&first).contains("started\n"), "{first:?}");
    assert_eq!(first.strays, []);
    let next = named(&mut s, "next", "sleep 1; echo next").await;
    assert_eq!(text(&next), "next\n");
    let [Stray { block, text: printed }] = &next.strays[..] else { panic!("{next:?}") };
    assert_eq!(block, "tick");
    let ticks = printed.matches("tick\n").count();
    assert!((5..=12).contains(&ticks), "{printed:?}");
    // A second one, told apart from the first; a job that only sleeps is nobody's stray.
    named(&mut s, "tock", "(while :; do echo tock >&2; sleep 0.1; done) &\nsleep 300 &").await;
    let both = named(&mut s, "both", "sleep 0.5; echo both").await;
    assert_eq!(text(&both), "both\n");
    let mut names: Vec<&str> = both.strays.iter().map(|stray| stray.block.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["tick", "tock"]);
    for stray in &both.strays {
        let word = if stray.block == "tick" { "tick" } else { "tock" };
        assert!(stray.text.lines().all(|line| line.is_empty() || line == word), "{both:?}");
    }
    // What has ended prints no more, and what was told is not told again.
    named(&mut s, "end", "kill %1 %2 %3; wait").await;
    let quiet = named(&mut s, "quiet", "sleep 0.3; echo quiet").await;
    assert_eq!((text(&quiet).as_str(), &quiet.strays[..]), ("quiet\n", &[][..]));
}

pub async fn what_ends_within_its_block_is_part_of_its_result(mut s: Subject) {
    let outcome = named(&mut s, "one", "(sleep 0.2; echo late) & echo early; wait; echo end").await;
    assert_eq!(text(&outcome), "early\nlate\nend\n");
    for number in 0..20 {
        let outcome = named(&mut s, "many", &format!("(echo {number}; sh -c 'echo child') & wait")).await;
        assert_eq!((text(&outcome), outcome.strays.len()), (format!("{number}\nchild\n"), 0));
    }
}

pub async fn many_things_left_running_hold_up_nothing(mut s: Subject) {
    for number in 0..12 {
        let outcome =
            named(&mut s, &format!("b{number}"), &format!("yes left{number} & echo here {number}")).await;
        assert!(text(&outcome).contains(&format!("here {number}\n")), "{number}");
        let outcome = named(&mut s, "plain", &format!("echo only {number}")).await;
        assert_eq!(text(&outcome), format!("only {number}\n"));
        for stray in &outcome.strays {
            let word = stray.block.replace('b', "left");
            // Where it was put aside, a piece may be missing.
            let others = stray.text.replace(&format!("{word}\n"), "");
            assert!(
                others.len() < 4 * word.len(),
                "{:?} of {} after {number}",
                others.get(..80),
                stray.block
            );
        }
        s.output("kill $!").await;
    }
    // All of what it prints is taken, though not all is kept: it goes on.
    named(&mut s, "counting", "(for i in {1..200000}; do echo $i; done; echo >~/counted) &").await;
    let wait = "until [[ -e ~/counted ]]; do sleep 0.05; done; echo done";
    assert_eq!(text(&named(&mut s, "wait", wait).await), "done\n");
}

pub async fn what_is_left_running_tells_for_which_block_it_runs(mut s: Subject) {
    let with_origin = |origin: &str, script: &str| {
        let mut block = Block::new(script);
        block.origin = origin.to_owned();
        block
    };
    let first = "(until [[ -e ~/go ]]; do sleep 0.02; done; bash -c 'echo $LAB_BLOCK' >~/said) & bash -c 'echo $LAB_BLOCK'";
    let outcome = s.run_block(with_origin("01-a/first", first)).await;
    assert_eq!(text(&outcome), "01-a/first\n");
    assert_eq!(outcome.variables, [], "it is nobody's result");
    let second = "touch ~/go; wait; cat ~/said; bash -c 'echo $LAB_BLOCK'";
    let outcome = s.run_block(with_origin("01-a/second", second)).await;
    assert_eq!(text(&outcome), "01-a/first\n01-a/second\n");
    assert!(!s.shell.state().restoring_script(&[]).contains("LAB_BLOCK"));
}
