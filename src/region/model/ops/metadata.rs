//! `MetadataOptions`: how an instance may ask the metadata service.

use serde_json::{Value, json};

use crate::region::model::context::{Context, found};
use crate::region::model::fault::{combination, invalid};
use crate::region::model::params::Params;
use crate::region::model::state::MetadataOptions;
use crate::wire::Fault;

/// The options that a request leads to, from those that are there.
pub(super) fn read_metadata_options(
    given: Option<Params<'_>>,
    present: &MetadataOptions,
) -> Result<MetadataOptions, Fault> {
    let mut options = present.clone();
    let Some(given) = given else { return Ok(options) };
    let choose = |member: &str, no: &str, yes: &str| match given.str(member) {
        None => Ok(None),
        Some(value) if value == no => Ok(Some(false)),
        Some(value) if value == yes => Ok(Some(true)),
        Some(value) => Err(invalid(format!("Value ({value}) for parameter {member} is invalid."))),
    };
    let tokens_required = choose("HttpTokens", "optional", "required")?;
    options.tokens_required = tokens_required.unwrap_or(options.tokens_required);
    options.enabled = choose("HttpEndpoint", "disabled", "enabled")?.unwrap_or(options.enabled);
    options.ipv6 = choose("HttpProtocolIpv6", "disabled", "enabled")?.unwrap_or(options.ipv6);
    options.tags = choose("InstanceMetadataTags", "disabled", "enabled")?.unwrap_or(options.tags);
    if let Some(limit) = given.int("HttpPutResponseHopLimit") {
        let message = || {
            format!(
                "Value ({limit}) for parameter HttpPutResponseHopLimit is invalid. It must be between 1 and 64."
            )
        };
        options.hop_limit = u8::try_from(limit)
            .ok()
            .filter(|limit| (1..=64).contains(limit))
            .ok_or_else(|| invalid(message()))?;
    }
    if !options.enabled && given.str("HttpEndpoint") == Some("disabled") && tokens_required.is_some() {
        let message = "When HttpEndpoint is disabled, no other metadata option can be specified.";
        return Err(combination(message));
    }
    Ok(options)
}

pub(super) fn show_metadata_options(options: &MetadataOptions, state: &str) -> Value {
    let word = |on: bool| if on { "enabled" } else { "disabled" };
    json!({
        "State": state,
        "HttpTokens": if options.tokens_required { "required" } else { "optional" },
        "HttpPutResponseHopLimit": options.hop_limit,
        "HttpEndpoint": word(options.enabled),
        "HttpProtocolIpv6": word(options.ipv6),
        "InstanceMetadataTags": word(options.tags),
    })
}

pub(super) fn modify(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = context.params.need("InstanceId")?;
    let options = read_metadata_options(Some(context.params), &context.instance(id)?.metadata_options)?;
    let shown = show_metadata_options(&options, "pending");
    found(&mut context.region.instances, id).metadata_options = options;
    Ok(json!({"InstanceId": id, "InstanceMetadataOptions": shown}))
}
