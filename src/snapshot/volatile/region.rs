//! Regions and the names that follow from them.

use super::{Class, Finder, Form, Identity, Kind};
use std::ops::Range;

/// The region whose DNS names leave the region's name out.
const FIRST: &str = "us-east-1";

pub(super) fn internal_domain(region: &str) -> String {
    if region == FIRST { "ec2.internal".to_owned() } else { format!("{region}.compute.internal") }
}

pub(super) fn public_domain(region: &str) -> String {
    if region == FIRST {
        "compute-1.amazonaws.com".to_owned()
    } else {
        format!("{region}.compute.amazonaws.com")
    }
}

/// The region of a domain in one of the two forms.
pub(super) fn domain(finder: &Finder<'_>, span: Range<usize>) -> Option<Kind> {
    let text = &finder.text[span];
    let form = if text.ends_with("internal") { Form::InternalDomain } else { Form::PublicDomain };
    let region = text.split_once(".compute.").map_or(FIRST, |(region, _)| region);
    Some(Kind::Identity(Identity { class: Class::Region, value: region.to_owned(), form, network: None }))
}
