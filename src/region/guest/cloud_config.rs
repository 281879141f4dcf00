//! User data: a script as it is, or a `#cloud-config` turned into one.
//!
//! The useful part of cloud-config: `hostname`, `write_files`, `users` (name, shell, sudo, keys), `packages`,
//! `package_update`, `runcmd`, in the order in which cloud-init does them. Other keys are named in the log.

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_yaml_ng::Value;

/// The script that the guest runs as root at its first boot; `None` if the user data asks for nothing.
pub(super) fn script(user_data: &[u8]) -> Option<Vec<u8>> {
    if user_data.starts_with(b"#!") {
        return Some(user_data.to_vec());
    }
    let text = String::from_utf8_lossy(user_data);
    if text.starts_with("#cloud-config") {
        return Some(match serde_yaml_ng::from_str::<Value>(&text) {
            Ok(config) => from_config(&config),
            Err(error) => complaint(&format!("the cloud-config is not YAML: {error}")),
        });
    }
    if text.trim().is_empty() {
        return None;
    }
    Some(complaint("the user data is neither a #! script nor a #cloud-config; it is left alone"))
}

fn complaint(what: &str) -> Vec<u8> {
    format!("#!/bin/sh\necho {}\n", quote(&format!("cloud-init: {what}"))).into_bytes()
}

fn from_config(config: &Value) -> Vec<u8> {
    let mut script = String::from("#!/bin/sh\nexport DEBIAN_FRONTEND=noninteractive\n");
    for key in unknown_keys(config) {
        let _ = writeln!(script, "echo {}", quote(&format!("cloud-init: {key} is not supported here")));
    }
    if let Some(name) = config.get("hostname").and_then(Value::as_str) {
        let _ = writeln!(script, "printf '%s\\n' {0} >/etc/hostname; hostname {0}", quote(name));
    }
    for file in list(config, "write_files") {
        write_file(&mut script, file);
    }
    for user in list(config, "users") {
        add_user(&mut script, user);
    }
    let packages: Vec<String> =
        list(config, "packages").iter().filter_map(|name| name.as_str().map(quote)).collect();
    if !packages.is_empty() || config.get("package_update").and_then(Value::as_bool) == Some(true) {
        script.push_str("apt-get update\n");
    }
    if !packages.is_empty() {
        let _ = writeln!(script, "apt-get install --yes {}", packages.join(" "));
    }
    for command in list(config, "runcmd") {
        // A text is a line of shell, a list is a program with its arguments.
        match command {
            Value::String(line) => {
                let _ = writeln!(script, "sh -c {}", quote(line));
            }
            Value::Sequence(words) => {
                let words: Vec<String> = words.iter().filter_map(text).map(|word| quote(&word)).collect();
                let _ = writeln!(script, "{}", words.join(" "));
            }
            _ => {}
        }
    }
    script.into_bytes()
}

fn write_file(script: &mut String, file: &Value) {
    let Some(path) = file.get("path").and_then(Value::as_str) else { return };
    let content = file.get("content").and_then(text).unwrap_or_default();
    let encoding = file.get("encoding").and_then(Value::as_str).unwrap_or_default();
    let encoded = if matches!(encoding, "b64" | "base64") {
        content.split_whitespace().collect()
    } else {
        BASE64.encode(content)
    };
    let append = file.get("append").and_then(Value::as_bool).unwrap_or(false);
    let path = quote(path);
    let _ = writeln!(script, "mkdir -p \"$(dirname {path})\"");
    let _ = writeln!(script, "echo {encoded} | base64 -d >{} {path}", if append { ">" } else { "" });
    if let Some(mode) = file.get("permissions").and_then(text) {
        let _ = writeln!(script, "chmod {} {path}", quote(&mode));
    }
    if let Some(owner) = file.get("owner").and_then(Value::as_str) {
        let _ = writeln!(script, "chown {} {path}", quote(owner));
    }
}

fn add_user(script: &mut String, user: &Value) {
    // The word `default` stands for the image's own login user, which is there.
    let Some(name) = user.get("name").and_then(Value::as_str) else { return };
    let shell = user.get("shell").and_then(Value::as_str).unwrap_or("/bin/bash");
    let _ = writeln!(script, "useradd --create-home --shell {} {}", quote(shell), quote(name));
    let rules: Vec<String> = match user.get("sudo") {
        Some(Value::Sequence(rules)) => rules.iter().filter_map(text).collect(),
        Some(rule) => text(rule).into_iter().collect(),
        None => Vec::new(),
    };
    for rule in rules {
        let rule = quote(&format!("{name} {rule}"));
        let _ = writeln!(script, "printf '%s\\n' {rule} >>/etc/sudoers.d/91-user-data");
    }
    for key in list(user, "ssh_authorized_keys").iter().filter_map(|key| key.as_str()) {
        let home = format!("~{name}/.ssh");
        let _ = writeln!(script, "install -d -m 700 -o {0} -g {0} {home}", quote(name));
        let _ = writeln!(script, "printf '%s\\n' {} >>{home}/authorized_keys", quote(key));
        let _ = writeln!(
            script,
            "chown {0}: {home}/authorized_keys; chmod 600 {home}/authorized_keys",
            quote(name)
        );
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_sequence).map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn unknown_keys(config: &Value) -> Vec<String> {
    const KNOWN: &[&str] = &["hostname", "write_files", "users", "packages", "package_update", "runcmd"];
    let keys = config.as_mapping().into_iter().flatten();
    keys.filter_map(|(key, _)| key.as_str()).filter(|key| !KNOWN.contains(key)).map(str::to_owned).collect()
}

/// A word as the shell reads it back.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn run(config: &str) -> String {
        let script = String::from_utf8(script(config.as_bytes()).expect("a script")).expect("text");
        let output = Command::new("sh").arg("-c").arg(script).output().expect("sh");
        String::from_utf8(output.stdout).expect("text")
    }

    #[test]
    fn a_script_stays_as_it_is_and_nothing_stays_nothing() {
        assert_eq!(script(b"#!/bin/bash\nid\n").as_deref(), Some(b"#!/bin/bash\nid\n".as_slice()));
        assert_eq!(script(b"\n"), None);
    }

    #[test]
    fn commands_run_as_lines_and_as_words() {
        let config = "#cloud-config\nruncmd:\n  - echo \"it's\" $((1+1))\n  - [echo, \"$((1+1))\", 'a  b']\n";
        assert_eq!(run(config), "it's 2\n$((1+1)) a  b\n");
    }

    #[test]
    fn files_are_written_as_given() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("sub/file");
        let path = path.to_str().expect("text");
        let config = format!(
            "#cloud-config\nwrite_files:\n- path: {path}\n  content: |\n    one 'two'\n  permissions: '0640'\n\
             - path: {path}\n  encoding: b64\n  content: dGhyZWUK\n  append: true\n"
        );
        run(&config);
        assert_eq!(std::fs::read_to_string(path).expect("written"), "one 'two'\nthree\n");
    }

    #[test]
    fn what_is_not_understood_is_said() {
        assert!(run("#cloud-config\npower_state: {mode: reboot}\n").contains("power_state is not supported"));
        assert!(run("#cloud-config\n a: [").contains("not YAML"));
        assert!(run("#include\nhttp://x\n").contains("neither"));
    }
}
