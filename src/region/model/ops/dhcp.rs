//! DHCP options. Every VPC begins with the set that AWS makes for a region.

use serde_json::{Value, json};

use crate::region::model::context::{Context, show_tags};
use crate::region::model::kind;
use crate::region::model::listing::Listing;
use crate::region::model::names::private_domain;
use crate::region::model::state::{DhcpOptions, Tags};
use crate::wire::Fault;

static LISTING: Listing = Listing {
    member: "DhcpOptions",
    ids: &[("DhcpOptionsIds", "DhcpOptionsId", &kind::DHCP_OPTIONS)],
    filters: &[
        ("dhcp-options-id", "DhcpOptionsId"),
        ("key", "DhcpConfigurations[].Key"),
        ("value", "DhcpConfigurations[].Values[].Value"),
        ("owner-id", "OwnerId"),
    ],
    tags: "Tags",
    page: (5, 1000),
};

/// The id of the region's own set, which is made with the first VPC.
pub(super) fn default_options(context: &mut Context<'_>) -> String {
    if let Some(options) = context.region.dhcp_options.iter().next() {
        return options.id.clone();
    }
    let id = context.id(&kind::DHCP_OPTIONS);
    context.region.dhcp_options.insert(DhcpOptions {
        id: id.clone(),
        configurations: vec![
            ("domain-name".to_owned(), vec![private_domain(&context.caller.region)]),
            ("domain-name-servers".to_owned(), vec!["AmazonProvidedDNS".to_owned()]),
        ],
        tags: Tags::new(),
    });
    id
}

fn show(context: &Context<'_>, options: &DhcpOptions) -> Value {
    let value = |value: &String| json!({"Value": value});
    let configuration = |(key, values): &(String, Vec<String>)| json!({"Key": key, "Values": values.iter().map(value).collect::<Value>()});
    json!({
        "OwnerId": context.caller.account,
        "Tags": show_tags(&options.tags),
        "DhcpOptionsId": options.id,
        "DhcpConfigurations": options.configurations.iter().map(configuration).collect::<Value>(),
    })
}

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    let items = context.region.dhcp_options.iter().map(|options| show(context, options)).collect();
    LISTING.answer(context.params, items)
}
