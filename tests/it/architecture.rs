//! Keeps the tables of ARCHITECTURE.md true: who may import whom.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules in layer order: each may import those before it.
const LAYERS: [&str; 18] = [
    "name",
    "source",
    "diagnostic",
    "event",
    "output",
    "private",
    "secret",
    "signals",
    "wire",
    "lesson",
    "snapshot",
    "session",
    "aws",
    "plan",
    "run",
    "report",
    "book",
    "cli",
];
/// Beside the layers: `region` may import only these, and only `cli` may import `region`.
const BELOW_REGION: [&str; 8] =
    ["name", "source", "diagnostic", "event", "output", "private", "signals", "wire"];

/// Inside `region`: who may import whom.
const REGION: [(&str, &[&str]); 5] =
    [("model", &[]), ("http", &[]), ("api", &["model", "http"]), ("fabric", &["model"]), ("kernel", &[])];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("the source tree can be read") {
        let path = entry.expect("the source tree can be read").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The module path of a file below `src`: `region/model/mod.rs` is `region::model`.
fn module_of(file: &Path) -> Vec<String> {
    let path = file.strip_prefix(root().join("src")).expect("below src").with_extension("");
    let mut parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    parts.retain(|part| part != "mod");
    parts
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What a file names after `crate::`, as paths of at most `depth` parts. Groups in braces are opened; `super::` is
/// resolved.
fn imports(file: &Path, depth: usize) -> BTreeSet<Vec<String>> {
    let text = fs::read_to_string(file).expect("readable");
    let module = module_of(file);
    let mut found = BTreeSet::new();
    // Tests beside the code may look further than the code.
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String =
        code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    for (at, _) in code.match_indices("crate::") {
        expand(&code[at + "crate::".len()..], &[], depth, &mut found);
    }
    for (at, _) in code.match_indices("super::") {
        if code[..at].ends_with("super::") {
            continue;
        }
        let rest = &code[at..];
        let ups = rest
            .match_indices("super::")
            .take_while(|(i, _)| {
                *i % "super::".len() == 0 && rest[..*i].bytes().all(|b| b.is_ascii_alphabetic() || b == b':')
            })
            .count();
        let is_mod = file.file_name().is_some_and(|name| name == "mod.rs");
        let keep = (module.len() + usize::from(is_mod)).saturating_sub(ups + usize::from(is_mod));
        expand(&rest[ups * "super::".len()..], &module[..keep], depth, &mut found);
    }
    found
}

fn expand(text: &str, prefix: &[String], depth: usize, found: &mut BTreeSet<Vec<String>>) {
    if prefix.len() >= depth {
        found.insert(prefix[..depth].to_vec());
        return;
    }
    if let Some(group) = text.strip_prefix('{') {
        let mut level = 0_usize;
        let mut start = 0;
        for (at, character) in group.char_indices() {
            match character {
                '{' => level += 1,
                ',' if level == 0 => {
                    expand(group[start..at].trim_start(), prefix, depth, found);
                    start = at + 1;
                }
                '}' if level == 0 => {
                    expand(group[start..at].trim_start(), prefix, depth, found);
                    break;
                }
                '}' => level -= 1,
                _ => {}
            }
        }
        return;
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    if end == 0 {
        return;
    }
    let mut path = prefix.to_vec();
    path.push(text[..end].to_owned());
    match text[end..].strip_prefix("::") {
        Some(rest) if path.len() < depth => expand(rest, &path, depth, found),
        _ => drop(found.insert(path)),
    }
}

#[test]
fn a_module_imports_only_from_those_above_it() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let known: BTreeSet<&str> = LAYERS.into_iter().chain(["region"]).collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in &files {
        let module = module_of(file);
        let Some(own) = module.first().filter(|own| known.contains(own.as_str())) else { continue };
        for import in imports(file, 1) {
            let name = import[0].as_str();
            if name == own || !known.contains(name) {
                continue;
            }
            seen += 1;
            let layer = |name: &str| LAYERS.iter().position(|layer| *layer == name);
            let allowed = match (own.as_str(), name) {
                ("cli", _) => true,
                ("region", name) => BELOW_REGION.contains(&name),
                (_, "region") => false,
                (own, name) => layer(name) < layer(own),
            };
            if !allowed {
                wrong.push(format!("{} imports {name}", file.display()));
            }
        }
    }
    assert!(seen > 50, "only {seen} imports were found: the test looks in the wrong place");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn inside_the_region_the_model_knows_nothing_and_the_kernel_decides_nothing() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (own, allowed) in REGION {
        let directory = root().join("src/region").join(own);
        let mut files = Vec::new();
        if directory.is_dir() {
            sources(&directory, &mut files);
        } else {
            files.push(directory.with_extension("rs"));
        }
        for file in &files {
            for import in
                imports(file, 2).into_iter().filter(|import| import[0] == "region" && import.len() == 2)
            {
                seen += 1;
                let name = import[1].as_str();
                if name != own && !allowed.contains(&name) {
                    wrong.push(format!("{} imports region::{name}", file.display()));
                }
            }
        }
    }
    assert!(seen > 5, "only {seen} imports were found: the test looks in the wrong place");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_command_line_knows_clap_and_only_one_file_the_snap_format() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    for file in files {
        let text = fs::read_to_string(&file).expect("readable");
        let module = module_of(&file);
        if module.first().is_none_or(|own| own != "cli") {
            assert!(!text.contains("clap::"), "{} knows clap", file.display());
        }
        // The format is YAML between two lines of dashes; only one file of the records' module reads or writes YAML.
        if module.first().is_some_and(|own| own == "snapshot") && !file.ends_with("snapshot/file.rs") {
            assert!(!text.contains("serde_yaml"), "{} knows the .snap format", file.display());
        }
    }
}

#[test]
fn architecture_md_names_every_module() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there");
    for entry in fs::read_dir(root().join("src")).expect("readable") {
        let name = entry.expect("readable").file_name().to_string_lossy().trim_end_matches(".rs").to_owned();
        if !matches!(name.as_str(), "lib" | "main") {
            assert!(text.contains(&format!("`{name}")), "ARCHITECTURE.md does not mention `{name}`");
        }
    }
}
