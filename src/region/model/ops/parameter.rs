//! The public parameters of Systems Manager that name images.

use serde_json::{Value, json};

use crate::region::model::catalog;
use crate::region::model::context::Context;
use crate::region::model::fault::fault;
use crate::wire::Fault;

fn show(context: &Context<'_>, name: &str) -> Option<Value> {
    let region = &context.caller.region;
    let id = catalog::public_parameter(region, name)?;
    let image = catalog::image(region, &id)?;
    Some(json!({
        "Name": name,
        "Type": "String",
        "Value": id,
        "Version": catalog::images(region).len(),
        "LastModifiedDate": image.created,
        "ARN": format!("arn:aws:ssm:{region}::parameter{name}"),
        "DataType": "aws:ec2:image",
    }))
}

pub(super) fn get(context: &mut Context<'_>) -> Result<Value, Fault> {
    let name = context.params.need("Name")?;
    let parameter = show(context, name).ok_or_else(|| fault("ParameterNotFound", ""))?;
    Ok(json!({"Parameter": parameter}))
}

pub(super) fn get_several(context: &mut Context<'_>) -> Result<Value, Fault> {
    let names = context.params.strings("Names");
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for name in names {
        match show(context, name) {
            Some(parameter) => found.push(parameter),
            None => unknown.push(name),
        }
    }
    Ok(json!({"Parameters": found, "InvalidParameters": unknown}))
}
