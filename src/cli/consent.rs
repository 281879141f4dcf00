//! Before anything is created on AWS: which account, where, what, at what price; and a yes.

use std::io::{BufRead as _, IsTerminal as _};

use crate::aws::price;
use crate::cli::failure::Failure;
use crate::cli::open::OpenLab;
use crate::output::{ask_aside, remark};
use crate::plan::Plan;

/// Shows what a run will create and asks; `yes` answers beforehand.
///
/// # Errors
/// When there are no working credentials, or the person says no.
pub async fn ask(open: &OpenLab, plan: &Plan, yes: bool) -> Result<(), Failure> {
    let account = open.account().await?;
    let scripts: Vec<_> = plan.steps.iter().flat_map(|step| step.rest(plan.os)).collect();
    let bill = price::estimate(scripts.iter().filter_map(|block| block.script()));
    remark!("this run creates resources on AWS:");
    remark!("  account {account}, region {}", open.backdrop.region);
    for line in &bill.lines {
        remark!("  {} x {}", line.count, line.what);
    }
    remark!(
        "  about ${:.3} an hour (list prices of us-east-1), ${:.0} a month if it is forgotten; `lab down` takes it away",
        bill.cents_an_hour / 100.0,
        bill.cents_an_hour * 730.0 / 100.0
    );
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(
            Failure::usage("nothing was run: nobody is there to agree").hint("--yes agrees beforehand")
        );
    }
    ask_aside!("go on? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Failure::usage("nothing was run, as you wished"))
    }
}
