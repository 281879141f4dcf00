//! Attributes of instances, one at a time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::instance::show_block_devices;
use super::interface::{read_groups, show_groups};
use super::interface_change::mirror_check;
use crate::region::model::catalog;
use crate::region::model::context::{Context, found, nothing};
use crate::region::model::fault::{combination, fault, invalid};
use crate::region::model::state::{Instance, InstanceState, NetworkInterface};
use crate::wire::Fault;

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let instance = context.instance(params.need("InstanceId")?)?;
    let attribute = params.need("Attribute")?;
    let mut letters = attribute.chars();
    let upper: String = letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect();
    let (member, value) = match attribute {
        "instanceType" => (upper, json!({"Value": instance.instance_type})),
        "kernel" => ("KernelId".to_owned(), json!({})),
        "ramdisk" => ("RamdiskId".to_owned(), json!({})),
        "userData" => (upper, json!({"Value": instance.user_data})),
        "disableApiTermination" => (upper, json!({"Value": instance.disable_api_termination})),
        "disableApiStop" => (upper, json!({"Value": instance.disable_api_stop})),
        "instanceInitiatedShutdownBehavior" => {
            (upper, json!({"Value": if instance.terminate_on_shutdown { "terminate" } else { "stop" }}))
        }
        "rootDeviceName" => (upper, json!({"Value": instance.root_device})),
        "blockDeviceMapping" => ("BlockDeviceMappings".to_owned(), show_block_devices(context, &instance.id)),
        "productCodes" => (upper, json!([])),
        "sourceDestCheck" => (upper, json!({"Value": instance.source_dest_check})),
        "groupSet" => {
            let primary = context.region.primary_interface(&instance.id);
            ("Groups".to_owned(), primary.map_or(json!([]), |eni| show_groups(context, &eni.groups)))
        }
        "ebsOptimized" => (upper, json!({"Value": instance.ebs_optimized})),
        "sriovNetSupport" => (upper, json!({"Value": "simple"})),
        "enaSupport" => (upper, json!({"Value": true})),
        "enclaveOptions" => (upper, json!({"Enabled": false})),
        other => {
            return Err(invalid(format!(
                "Value ({other}) for parameter attribute is invalid. Unknown attribute."
            )));
        }
    };
    Ok(json!({"InstanceId": instance.id, member: value}))
}

/// One change, from either form of the request: a member of its own, or `Attribute` and `Value`.
enum Change<'a> {
    SourceDestCheck(bool),
    DisableApiTermination(bool),
    DisableApiStop(bool),
    EbsOptimized(bool),
    InstanceType(&'a str),
    ShutdownBehavior(&'a str),
    UserData(&'a str),
    Groups(Vec<&'a str>),
}

fn read<'a>(context: &Context<'a>) -> Result<Change<'a>, Fault> {
    let params = context.params;
    let flag = |member: &str| params.attribute(member);
    let text = |member: &str| params.object(member).and_then(|wrapped| wrapped.str("Value"));
    let groups = params.strings("Groups");
    let mut changes: Vec<Change<'a>> = Vec::new();
    changes.extend(flag("SourceDestCheck").map(Change::SourceDestCheck));
    changes.extend(flag("DisableApiTermination").map(Change::DisableApiTermination));
    changes.extend(flag("DisableApiStop").map(Change::DisableApiStop));
    changes.extend(flag("EbsOptimized").map(Change::EbsOptimized));
    changes.extend(text("InstanceType").map(Change::InstanceType));
    changes.extend(text("InstanceInitiatedShutdownBehavior").map(Change::ShutdownBehavior));
    changes.extend(text("UserData").map(Change::UserData));
    changes.extend((!groups.is_empty()).then_some(Change::Groups(groups)));
    if let Some(attribute) = params.str("Attribute") {
        let value = params.str("Value").unwrap_or_default();
        let truth = value.eq_ignore_ascii_case("true");
        changes.push(match attribute {
            "sourceDestCheck" => Change::SourceDestCheck(truth),
            "disableApiTermination" => Change::DisableApiTermination(truth),
            "disableApiStop" => Change::DisableApiStop(truth),
            "ebsOptimized" => Change::EbsOptimized(truth),
            "instanceType" => Change::InstanceType(value),
            "instanceInitiatedShutdownBehavior" => Change::ShutdownBehavior(value),
            "userData" => Change::UserData(value),
            other => {
                return Err(invalid(format!(
                    "Value ({other}) for parameter attribute is invalid. Unknown attribute."
                )));
            }
        });
    }
    match (changes.pop(), changes.is_empty()) {
        (Some(change), true) => Ok(change),
        (None, _) => Err(fault("MissingParameter", "No attributes specified.")),
        _ => Err(combination("Fields for multiple attribute types specified")),
    }
}

/// What may only change while the instance is stopped.
fn stopped(instance: &Instance) -> Result<(), Fault> {
    match instance.state {
        InstanceState::Stopped => Ok(()),
        _ => {
            let message = format!("The instance '{}' is not in the 'stopped' state.", instance.id);
            Err(fault("IncorrectInstanceState", message))
        }
    }
}

pub(super) fn modify(context: &mut Context<'_>) -> Result<Value, Fault> {
    let id = context.params.need("InstanceId")?;
    let change = read(context)?;
    let instance = context.instance(id)?.clone();
    let target = found(&mut context.region.instances, id);
    match change {
        Change::DisableApiTermination(value) => target.disable_api_termination = value,
        Change::DisableApiStop(value) => target.disable_api_stop = value,
        Change::EbsOptimized(value) => {
            stopped(&instance)?;
            target.ebs_optimized = value;
        }
        Change::InstanceType(name) => {
            if catalog::instance_type(name).is_none() {
                return Err(invalid(format!("Invalid value '{name}' for InstanceType.")));
            }
            stopped(&instance)?;
            target.instance_type = name.to_owned();
        }
        Change::ShutdownBehavior(value) => {
            target.terminate_on_shutdown = match value {
                "stop" => false,
                "terminate" => true,
                other => {
                    return Err(invalid(format!(
                        "Value ({other}) for parameter instanceInitiatedShutdownBehavior is invalid."
                    )));
                }
            };
        }
        Change::UserData(value) => {
            stopped(&instance)?;
            let valid = STANDARD.decode(value).is_ok_and(|bytes| bytes.len() <= 16_384);
            if !valid {
                return Err(fault("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data."));
            }
            target.user_data = Some(value.to_owned()).filter(|value| !value.is_empty());
        }
        Change::SourceDestCheck(value) => {
            let interface_id = only_interface(context, id)?;
            found(&mut context.region.network_interfaces, &interface_id).source_dest_check = value;
            mirror_check(context, &interface_id);
        }
        Change::Groups(ids) => {
            let interface_id = only_interface(context, id)?;
            let groups = read_groups(context, &instance.vpc_id, &instance.subnet_id, &ids)?;
            found(&mut context.region.network_interfaces, &interface_id).groups = groups;
        }
    }
    nothing()
}

/// The interface that an attribute of the instance means; there must be one only.
fn only_interface(context: &Context<'_>, id: &str) -> Result<String, Fault> {
    let interfaces: Vec<&NetworkInterface> = context.region.interfaces_of(id).collect();
    match interfaces.as_slice() {
        [only] => Ok(only.id.clone()),
        _ => {
            let message = format!(
                "There are multiple interfaces attached to instance '{id}'. \
                 Please specify an interface ID for the operation instead."
            );
            Err(fault("InvalidInstanceID", message))
        }
    }
}
