//! `aws configure`: nothing can be configured in a lab, and nothing has to be; what holds can be asked for.

use super::command::{Format, Globals};
use super::frame::Outcome;

pub(super) fn run(args: &[String], globals: &Globals) -> Outcome {
    let words: Vec<_> = args.iter().map(String::as_str).collect();
    let printed = |stdout: String| Outcome { exit: 0, stdout, stderr: String::new() };
    let region = globals.target.region.as_deref();
    match words.as_slice() {
        ["get", "region"] => match region {
            Some(region) => printed(format!("{region}\n")),
            None => Outcome { exit: 1, ..Outcome::default() },
        },
        ["get", "output"] => {
            let format = match globals.format {
                Format::Json => "json",
                Format::Text => "text",
                Format::Table => "table",
                Format::Yaml => "yaml",
                Format::YamlStream => "yaml-stream",
            };
            printed(format!("{format}\n"))
        }
        ["get", _] => Outcome { exit: 1, ..Outcome::default() },
        ["list"] => {
            let row = |name: &str, value: &str, kind: &str, place: &str| {
                format!("{name:>10} {value:>24} {kind:>16}    {place}\n")
            };
            let unset = "<not set>";
            let mut text =
                row("Name", "Value", "Type", "Location") + &row("----", "-----", "----", "--------");
            text += &row("profile", unset, "None", "None");
            text += &row("access_key", "(of the lab)", "runner", "");
            text += &row("secret_key", "(of the lab)", "runner", "");
            text += &match region {
                Some(region) => row("region", region, "env", "['AWS_REGION', 'AWS_DEFAULT_REGION']"),
                None => row("region", unset, "None", "None"),
            };
            printed(text)
        }
        _ => {
            let message = "credentials and region of this lab are set by lab itself; there is nothing to configure here \
                           (`aws configure list` shows what holds)";
            Outcome { exit: 255, stdout: String::new(), stderr: format!("\naws configure: {message}\n") }
        }
    }
}
