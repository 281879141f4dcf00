use super::*;

fn uses(text: &str) -> Vec<String> {
    Script::parse(text)
        .uses
        .into_iter()
        .map(|found| text[found.span.start..found.span.end].to_owned())
        .collect()
}

fn sets(text: &str) -> Vec<String> {
    Script::parse(text).sets.into_iter().map(|found| found.name).collect()
}

fn commands(text: &str) -> Vec<String> {
    let join =
        |command: Command| command.words.into_iter().map(|word| word.text).collect::<Vec<_>>().join("|");
    Script::parse(text).commands.into_iter().map(join).collect()
}

#[test]
fn uses_are_seen_where_the_shell_expands() {
    for (text, expected) in [
        ("echo $A ${B} \"$C ${D}x\"", vec!["$A", "${B}", "$C", "${D}"]),
        ("echo '$A' \\$B \"\\$C\" $'$D' # $E", vec![]),
        (
            "echo ${A:-x} ${B-} ${C:+y} ${D:?no} ${#E} ${F%.*} ${G[0]}",
            vec!["${D:?no}", "${#E}", "${F%.*}", "${G[0]}"],
        ),
        ("echo ${A:-$B} ${C:=1}", vec!["$B"]),
        ("X=$(echo $A | sed \"s/$B/'$C'/\")", vec!["$A", "$B", "$C"]),
        ("echo `echo $A` $((1 + $B)) $1 $@ $? $$ $!", vec!["$A", "$B"]),
        ("cat <<EOF\n$A 'it $B' \\$C\nEOF\necho $D", vec!["$A", "$B", "$D"]),
        ("cat <<'EOF'\n$A\nEOF\necho $D", vec!["$D"]),
        ("cat <<-EOF > $F\n\t$A\n\tEOF\necho $D", vec!["$F", "$A", "$D"]),
        ("read a <<< \"$A\"; (cd $B); diff <(cat $C) x", vec!["$A", "$B", "$C"]),
        ("echo a#$A $((1 << 2)) $B", vec!["$A", "$B"]),
        ("[[ $A =~ ^(a|b)$ && -n $B ]] || echo $C", vec!["$A", "$B", "$C"]),
        ("X=$(cat <<EOF\n$A\nEOF\n) echo $B", vec!["$A", "$B"]),
        ("A=($B \"$C\") D+=($E)", vec!["$B", "$C", "$E"]),
        ("echo \"${A//\\\"/$B}\" ${!C} ${!D*}", vec!["${A//\\\"/$B}", "$B", "${!C}"]),
    ] {
        assert_eq!(uses(text), expected, "{text}");
    }
}

#[test]
fn sets_are_seen_when_they_last() {
    for (text, expected) in [
        ("A=1 B=2\nC=3 echo $C", vec!["A", "B"]),
        ("read -r -p 'x ' A B; while read -rp p C; do :; done", vec!["A", "B", "C"]),
        ("for x in 1 2; do y=$x; done", vec!["x", "y"]),
        ("export A=1 B; declare -i C=2; local D", vec!["A", "C", "D"]),
        ("if A=$(f); then B=1; fi", vec!["A", "B"]),
        ("echo ${A:=1} $((b = 2, c++)); ((d += 1)); [ 1 == 2 ]", vec!["A", "b", "c", "d"]),
        ("printf -v A %s x; mapfile -t B < f; let i=1", vec!["A", "B", "i"]),
        ("A=(1 2); A[3]=4; A+=(5)", vec!["A", "A", "A"]),
        ("echo A=1; aws --x Key=Name,Value=web", vec![]),
        ("f() { local x=$1; y=2; }", vec!["x", "y"]),
        ("case $X in a) A=1;; b|c) B=2;; esac; C=3", vec!["A", "B", "C"]),
        ("A=$(case x in a) echo 1;; esac); B=2", vec!["A", "B"]),
    ] {
        assert_eq!(sets(text), expected, "{text}");
    }
}

#[test]
fn a_value_is_set_only_after_it_was_computed() {
    let script = Script::parse("A=$A:x\necho $A");
    assert!(script.uses[0].span.start < script.sets[0].at);
    assert!(script.uses[1].span.start >= script.sets[0].at);
}

#[test]
fn commands_have_words_without_quotes() {
    assert_eq!(
        commands("X=$(aws ec2 create-vpc \\\n  --query 'Vpc.VpcId' --tags \"Key=Name,Value=$N\") # why\n"),
        ["aws|ec2|create-vpc|--query|Vpc.VpcId|--tags|Key=Name,Value=$N"]
    );
    assert_eq!(commands("if true; then sudo ls 2>/dev/null; fi && f >x 2>&1 &"), ["true", "sudo|ls", "f"]);
    assert_eq!(commands("# nothing\n\n  # more"), Vec::<String>::new());
    let script = Script::parse("aws ec2 describe-vpcs |\n sort -n || true");
    assert_eq!(script.commands[0].pipes_into.as_deref(), Some("sort"));
    assert_eq!(script.commands[1].pipes_into, None);
}

#[test]
fn foreign_text_makes_everything_possible() {
    assert!(Script::parse("eval \"$(ssh-agent)\"").opaque_from.is_some());
    assert!(Script::parse(". ~/.profile").opaque_from.is_some());
    assert!(Script::parse("echo eval").opaque_from.is_none());
}

proptest::proptest! {
    #[test]
    fn any_text_can_be_read(text in "[ -~\n\té網]{0,60}") {
        let script = Script::parse(&text);
        for found in script.uses {
            proptest::prop_assert!(text[found.span.start..found.span.end].starts_with('$'));
        }
        for command in script.commands {
            proptest::prop_assert!(text.get(command.span.start..command.span.end).is_some());
        }
    }

    #[test]
    fn marks_in_any_order_can_be_read(text in r#"([$(){}<'"`\\;|&#=\n ]|EOF|<<|A|\$\(|\$\{|\(\(|in|case|esac|\[\[){0,30}"#) {
        let script = Script::parse(&text);
        for found in script.uses {
            proptest::prop_assert!(text.get(found.span.start..found.span.end).is_some());
        }
    }
}
