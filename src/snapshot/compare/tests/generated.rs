//! Generated results: equal under any consistent renaming, and under no other.

use proptest::prelude::*;

use super::*;

/// A word of a generated output: literal, or the n-th identity of a sort.
#[derive(Clone, Debug)]
enum Word {
    Literal(String),
    Identity(usize, usize),
}

/// Writes the n-th identity of each sort; different numbers give different identities.
const SORTS: [fn(u64) -> String; 9] = [
    |n| format!("vpc-{n:017x}"),
    |n| format!("eni-attach-{n:017x}"),
    |n| format!("203.0.113.{}", n % 256),
    |n| format!("ip-172-31-{}-{}.ec2.internal", n % 256, 4 + n / 256),
    |n| format!("0e:49:61:0f:{:02x}:{:02x}", n / 256, n % 256),
    |n| format!("{:012}", 420_000_000_000 + n),
    |n| format!("SHA256:{}{n:03}", "aB3".repeat(14).split_at(40).0),
    |n| format!("sshd[{}]:", 100 + n),
    |n| format!("{n:08x}-7d1c-4b7a-9d64-8a0c5f0b1e2d"),
];
/// How many identities of a sort occur.
const EACH: usize = 5;

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        2 => "[a-z]{1,6}".prop_map(Word::Literal),
        1 => "[0-9]{1,4}%".prop_map(Word::Literal),
        4 => (0..SORTS.len(), 0..EACH).prop_map(|(sort, n)| Word::Identity(sort, n)),
    ]
}

fn output() -> impl Strategy<Value = Vec<Vec<Word>>> {
    prop::collection::vec(prop::collection::vec(word(), 1..6), 1..12)
}

/// For each sort, which identity each number stands for: any numbers, all different.
fn naming() -> impl Strategy<Value = Vec<Vec<u64>>> {
    let one = prop::collection::hash_set(0..256u64, EACH).prop_map(|set| set.into_iter().collect::<Vec<_>>());
    prop::collection::vec(one, SORTS.len())
}

fn write(output: &[Vec<Word>], naming: &[Vec<u64>]) -> String {
    let word = |word: &Word| match word {
        Word::Literal(text) => text.clone(),
        Word::Identity(sort, n) => SORTS[*sort](naming[*sort][*n]),
    };
    let line = |line: &Vec<Word>| line.iter().map(word).collect::<Vec<_>>().join(" ");
    output.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Which identities occur, and how often.
fn occurrences(output: &[Vec<Word>]) -> Vec<(usize, usize, usize)> {
    let mut all: Vec<(usize, usize, usize)> = Vec::new();
    for word in output.iter().flatten() {
        if let Word::Identity(sort, n) = *word {
            match all.iter_mut().find(|(s, m, _)| (*s, *m) == (sort, n)) {
                Some((.., count)) => *count += 1,
                None => all.push((sort, n, 1)),
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_consistent_renaming_is_equal(output in output(), old in naming(), new in naming()) {
        let (old, new) = (write(&output, &old), write(&output, &new));
        let verdict = alone(&old, &new, &rules(""));
        prop_assert!(verdict.matches(), "{:?}\n{old}\n--\n{new}", reasons(&verdict));
    }

    #[test]
    fn lines_may_be_shuffled_where_order_is_free(
        (output, shuffled) in output().prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
        old in naming(),
        new in naming(),
    ) {
        let rules = Rules { matching: Matching::Lines, ..rules("") };
        let (old, new) = (write(&output, &old), write(&shuffled, &new));
        let verdict = alone(&old, &new, &rules);
        prop_assert!(verdict.matches(), "{:?}\n{old}\n--\n{new}", reasons(&verdict));
    }

    /// Two recorded identities that become one.
    #[test]
    fn two_for_one_is_never_equal(output in output(), old in naming(), new in naming(), pick in any::<prop::sample::Index>()) {
        let seen = occurrences(&output);
        let pairs: Vec<(usize, usize, usize)> = seen.iter().flat_map(|&(sort, a, _)| {
            let others = seen.iter().filter(move |&&(other, b, _)| other == sort && b > a);
            others.map(move |&(_, b, _)| (sort, a, b))
        }).collect();
        prop_assume!(!pairs.is_empty());
        let (sort, a, b) = *pick.get(&pairs);
        let mut merged = new.clone();
        merged[sort][b] = merged[sort][a];
        let (old, new) = (write(&output, &old), write(&output, &merged));
        for matching in [Matching::Full, Matching::Lines] {
            let verdict = alone(&old, &new, &Rules { matching, ..rules("") });
            prop_assert!(!verdict.matches(), "{old}\n--\n{new}");
            prop_assert!(!reasons(&verdict).is_empty());
        }
    }

    /// One recorded identity that becomes two.
    #[test]
    fn one_for_two_is_never_equal(output in output(), old in naming(), new in naming(), pick in any::<prop::sample::Index>()) {
        let repeated: Vec<_> = occurrences(&output).into_iter().filter(|&(.., count)| count > 1).collect();
        prop_assume!(!repeated.is_empty());
        let (sort, n, _) = *pick.get(&repeated);
        let other = (0..256).find(|n| !new[sort].contains(n)).unwrap();
        let before = write(&output, &new);
        let (from, to) = (SORTS[sort](new[sort][n]), SORTS[sort](other));
        let split = before.replacen(&from, &to, 1);
        prop_assume!(split.contains(&from));
        let old = write(&output, &old);
        let verdict = alone(&old, &split, &rules(""));
        prop_assert!(!verdict.matches(), "{old}\n--\n{split}");
    }

    /// Anything equals itself, even what no program prints; and comparing never fails.
    #[test]
    fn any_text_equals_itself(text in r"(?s)[ -~\n\t|+\-éあ]{0,200}", other in r"(?s)[ -~\n]{0,60}") {
        prop_assert!(alone(&text, &text, &rules("10.0.0.0/8")).matches());
        let _ = alone(&text, &other, &rules(""));
    }
}
