//! Variants of a block for several operating systems, as tabs that need no script: radio buttons and their labels.

use super::block::Recorded;
use super::error::BookError;
use super::html::Html;
use super::page::Page;
use crate::name::Os;

/// The variants of one block.
pub(super) fn html(variants: &[Recorded<'_>], page: &mut Page<'_>) -> Result<Html, BookError> {
    let mut html = Html::new();
    // All variants begin where the first one does, and the course goes on from the end of the first.
    let before = page.values.clone();
    let mut after = None;
    for (index, variant) in variants.iter().enumerate() {
        let os = variant.block.os.unwrap_or_default();
        let group = format!("tab-{}-{}", page.lesson.id, variant.block.name);
        let id = format!("{group}-{os}");
        let mut radio =
            vec![("type", "radio"), ("name", group.as_str()), ("id", &id), ("data-lab-os", os.as_str())];
        // The first is shown until another is chosen.
        if index == 0 {
            radio.push(("checked", ""));
        }
        html = html.and_void("input", &radio).and("label", &[("for", &id)], Html::text(title(os)));
        page.values.clone_from(&before);
        let panel = variant.html(page)?;
        after.get_or_insert_with(|| page.values.clone());
        html = html.and("div", &[("class", "lab-panel"), ("data-lab-title", title(os))], panel);
    }
    *page.values = after.unwrap_or(before);
    Ok(Html::element("div", &[("class", "lab-tabs")], html))
}

/// What the system is called.
pub(super) fn title(os: Os) -> &'static str {
    match os {
        Os::Debian => "Debian 13",
        Os::Al2023 => "Amazon Linux 2023",
    }
}
