//! nft scripts: a whole ruleset, or only the difference of two.

use std::fmt::Write;

use super::ruleset::{Chain, Collection, Kind, Ruleset, Table};

/// The script that turns one ruleset into another in one transaction; empty if they are equal.
///
/// What stays is not touched: packets that pass meanwhile meet either the old element or the new one.
pub(super) fn between(old: &Ruleset, new: &Ruleset) -> String {
    if old == new {
        return String::new();
    }
    if old.tables.is_empty() || !same_shape(old, new) {
        return whole(new);
    }
    let mut declared = String::new();
    let mut rules = String::new();
    let mut removed = String::new();
    let mut added = String::new();
    let mut undeclared = String::new();
    for (name, table) in &new.tables {
        let empty = Table::default();
        let before = old.tables.get(name).unwrap_or(&empty);
        if !old.tables.contains_key(name) {
            line(&mut declared, format_args!("add table {name}"));
        }
        collections(name, before, table, [&mut declared, &mut removed, &mut added, &mut undeclared]);
        chains(name, before, table, [&mut declared, &mut rules, &mut undeclared]);
    }
    for name in old.tables.keys().filter(|name| !new.tables.contains_key(*name)) {
        line(&mut undeclared, format_args!("delete table {name}"));
    }
    // Chains before what names them; elements that name a chain go before the chain does.
    [declared, rules, removed, added, undeclared].concat()
}

/// The whole ruleset, in place of whatever is there.
fn whole(ruleset: &Ruleset) -> String {
    let mut text = "flush ruleset\n".to_owned();
    let mut elements = String::new();
    for (name, table) in &ruleset.tables {
        line(&mut text, format_args!("table {name} {{"));
        for (set, collection) in &table.collections {
            line(&mut text, format_args!(" {} {set} {{ {}; }}", collection.kind.word(), collection.spec));
            put(&mut elements, name, set, collection, collection.elements.iter());
        }
        for (chain, content) in &table.chains {
            line(&mut text, format_args!(" chain {chain} {{"));
            for rule in content.hook.iter().chain(&content.rules) {
                line(&mut text, format_args!("  {rule}"));
            }
            line(&mut text, format_args!(" }}"));
        }
        line(&mut text, format_args!("}}"));
    }
    text + &elements
}

/// Types of sets and hooks of chains cannot be changed in place.
fn same_shape(old: &Ruleset, new: &Ruleset) -> bool {
    new.tables.iter().all(|(name, table)| {
        let Some(before) = old.tables.get(name) else { return true };
        let kept_set = |(set, now): (&String, &Collection)| {
            before.collections.get(set).is_none_or(|was| was.kind == now.kind && was.spec == now.spec)
        };
        let kept_chain =
            |(chain, now): (&String, &Chain)| before.chains.get(chain).is_none_or(|was| was.hook == now.hook);
        table.collections.iter().all(kept_set) && table.chains.iter().all(kept_chain)
    })
}

fn collections(table: &str, old: &Table, new: &Table, out: [&mut String; 4]) {
    let [declared, removed, added, undeclared] = out;
    for (name, now) in &new.collections {
        let empty = Collection { elements: Default::default(), ..now.clone() };
        let was = old.collections.get(name).unwrap_or(&empty);
        if !old.collections.contains_key(name) {
            line(declared, format_args!("add {} {table} {name} {{ {}; }}", now.kind.word(), now.spec));
        }
        let gone: Vec<&str> = was
            .elements
            .iter()
            .filter(|(key, value)| now.elements.get(*key) != Some(value))
            .map(|(key, _)| key.as_str())
            .collect();
        if !gone.is_empty() {
            line(removed, format_args!("delete element {table} {name} {{ {} }}", gone.join(", ")));
        }
        let fresh = now.elements.iter().filter(|(key, value)| was.elements.get(*key) != Some(value));
        put(added, table, name, now, fresh);
    }
    for (name, was) in old.collections.iter().filter(|(name, _)| !new.collections.contains_key(*name)) {
        // An element holds the chain that it names until it goes itself.
        if was.kind == Kind::Map && !was.elements.is_empty() {
            line(removed, format_args!("flush map {table} {name}"));
        }
        line(undeclared, format_args!("delete {} {table} {name}", was.kind.word()));
    }
}

fn chains(table: &str, old: &Table, new: &Table, out: [&mut String; 3]) {
    let [declared, rules, undeclared] = out;
    for (name, now) in &new.chains {
        let was = old.chains.get(name);
        if was == Some(now) {
            continue;
        }
        match (was, &now.hook) {
            (Some(_), _) => line(rules, format_args!("flush chain {table} {name}")),
            (None, Some(hook)) => line(declared, format_args!("add chain {table} {name} {{ {hook} }}")),
            (None, None) => line(declared, format_args!("add chain {table} {name}")),
        }
        for rule in &now.rules {
            line(rules, format_args!("add rule {table} {name} {rule}"));
        }
    }
    let gone = old.chains.iter().filter(|(name, _)| !new.chains.contains_key(*name));
    let mut deletions = String::new();
    for (name, _) in gone {
        // First all rules: a chain that another one jumps to cannot be deleted. They also hold sets.
        line(rules, format_args!("flush chain {table} {name}"));
        line(&mut deletions, format_args!("delete chain {table} {name}"));
    }
    // Elements are taken out before either; sets after the rules that use them.
    undeclared.insert_str(0, &deletions);
}

fn put<'a>(
    out: &mut String,
    table: &str,
    name: &str,
    collection: &Collection,
    elements: impl Iterator<Item = (&'a String, &'a String)>,
) {
    let items: Vec<String> = elements
        .map(|(key, value)| match collection.kind {
            Kind::Set => key.clone(),
            Kind::Map => format!("{key} : {value}"),
        })
        .collect();
    if !items.is_empty() {
        line(out, format_args!("add element {table} {name} {{ {} }}", items.join(", ")));
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Ruleset {
        let mut table = Table::default();
        table.set("m", "type ipv4_addr").map("sg_in", "type ifname : verdict");
        table.element("m", "10.0.0.4");
        table.entry("sg_in", "\"a\"", "jump a-in");
        table.chain("a-in", ["ip saddr @m accept"]);
        table.base("input", "type filter hook input priority 0; policy drop;", ["iifname \"lo\" accept"]);
        Ruleset { tables: [("ip vpc".to_owned(), table)].into() }
    }

    #[test]
    fn a_first_ruleset_is_loaded_whole() {
        let expected = "flush ruleset\ntable ip vpc {\n set m { type ipv4_addr; }\n map sg_in { type ifname : verdict; }\n \
            chain a-in {\n  ip saddr @m accept\n }\n chain input {\n  type filter hook input priority 0; policy drop;\n  \
            iifname \"lo\" accept\n }\n}\nadd element ip vpc m { 10.0.0.4 }\n\
            add element ip vpc sg_in { \"a\" : jump a-in }\n";
        assert_eq!(between(&Ruleset::default(), &example()), expected);
    }

    #[test]
    fn equal_rulesets_need_no_script() {
        assert_eq!(between(&example(), &example()), "");
    }

    #[test]
    fn one_new_member_is_one_element() {
        let mut new = example();
        new.tables.get_mut("ip vpc").unwrap().element("m", "10.0.0.5");
        assert_eq!(between(&example(), &new), "add element ip vpc m { 10.0.0.5 }\n");
    }

    #[test]
    fn changed_rules_replace_one_chain() {
        let mut new = example();
        new.tables.get_mut("ip vpc").unwrap().chain("a-in", ["tcp dport 22 accept", "ip saddr @m accept"]);
        let expected = "flush chain ip vpc a-in\nadd rule ip vpc a-in tcp dport 22 accept\n\
            add rule ip vpc a-in ip saddr @m accept\n";
        assert_eq!(between(&example(), &new), expected);
    }

    #[test]
    fn a_changed_value_replaces_the_element() {
        let mut new = example();
        let table = new.tables.get_mut("ip vpc").unwrap();
        table.chain("b-in", Vec::<String>::new());
        table.entry("sg_in", "\"a\"", "jump b-in");
        let expected = "add chain ip vpc b-in\ndelete element ip vpc sg_in { \"a\" }\n\
            add element ip vpc sg_in { \"a\" : jump b-in }\n";
        assert_eq!(between(&example(), &new), expected);
    }

    #[test]
    fn what_goes_is_released_before_it_is_deleted() {
        let mut new = example();
        let table = new.tables.get_mut("ip vpc").unwrap();
        table.collections.remove("m");
        table.collections.get_mut("sg_in").unwrap().elements.clear();
        table.chains.remove("a-in");
        let expected = "flush chain ip vpc a-in\ndelete element ip vpc sg_in { \"a\" }\n\
            delete chain ip vpc a-in\ndelete set ip vpc m\n";
        assert_eq!(between(&example(), &new), expected);
    }

    #[test]
    fn a_map_that_goes_releases_the_chains_that_it_names() {
        let mut new = example();
        let table = new.tables.get_mut("ip vpc").unwrap();
        table.collections.remove("sg_in");
        table.chains.remove("a-in");
        let expected = "flush chain ip vpc a-in\nflush map ip vpc sg_in\n\
            delete chain ip vpc a-in\ndelete map ip vpc sg_in\n";
        assert_eq!(between(&example(), &new), expected);
    }

    #[test]
    fn a_changed_type_loads_the_whole_ruleset() {
        let mut new = example();
        new.tables.get_mut("ip vpc").unwrap().collections.get_mut("m").unwrap().spec =
            "type inet_service".to_owned();
        assert!(between(&example(), &new).starts_with("flush ruleset\n"));
    }
}
