//! `lab`, and under the name `aws` the laptop's thin AWS client.

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    // The laptop's `aws` is this program under another name: it must answer in milliseconds, so nothing else starts.
    if Path::new(&program).file_name() == Some(OsStr::new("aws")) {
        return lab::aws::client::main(arguments);
    }
    if let Some(code) = lab::cli::hidden_verb(std::env::args_os().skip(1)) {
        return code;
    }
    lab::cli::main()
}
