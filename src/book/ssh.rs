//! The command with which a person gets to where a block runs.

use super::html::Html;
use super::identity::Identities;
use super::names::Names;
use crate::lesson::Block;
use crate::name::Os;
use crate::snapshot::{Record, SSH};

/// The command as it was recorded; what leads through another host is long, and folded. Of what is not recorded, hosts
/// are called by name. Empty for the laptop, where nobody has to go.
pub(super) fn html(block: &Block, record: Option<&Record>, ids: &mut Identities, names: &Names) -> Html {
    let Some(host) = block.host().filter(|host| !host.is_laptop()) else { return Html::new() };
    let user = user(block.os.unwrap_or_default());
    let class = ("class", "lab-ssh");
    match (record.and_then(|record| record.origin.extra(SSH)), block.via()) {
        (Some(command), None) => Html::element("span", &[class], ids.mark(command, names)),
        (Some(command), Some(via)) => {
            let summary = Html::element("summary", &[], Html::text(&format!("ssh through {via}")));
            let command = Html::element("span", &[], ids.mark(command, names));
            Html::element("details", &[class], summary.then(command))
        }
        (None, None) => Html::labelled("span", class.1, &format!("ssh {user}@{host}")),
        (None, Some(via)) => Html::labelled("span", class.1, &format!("ssh -J {user}@{via} {user}@{host}")),
    }
}

/// The login user of the system's image.
fn user(os: Os) -> &'static str {
    match os {
        Os::Debian => "admin",
        Os::Al2023 => "ec2-user",
    }
}
