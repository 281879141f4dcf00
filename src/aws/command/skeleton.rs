//! `--generate-cli-skeleton`: the parameters of an operation, to be filled in.

use serde_json::{Map, Value};

use super::failure::Failure;
use crate::aws::output;
use crate::wire::{Kind, Operation, Shape};

pub(super) fn print(operation: &Operation, kind: String) -> Result<String, Failure> {
    let shape = match kind.as_str() {
        "input" => operation.input(),
        "output" => operation.output(),
        _ => return Err(Failure::choice("--generate-cli-skeleton", &kind, &["input", "output"])),
    };
    let skeleton = shape.map_or_else(|| Value::Object(Map::new()), |shape| fill(shape, &mut Vec::new()));
    Ok(output::json(&skeleton))
}

fn fill(shape: &'static Shape, above: &mut Vec<&'static str>) -> Value {
    if above.contains(&shape.name) {
        return Value::Object(Map::new());
    }
    above.push(shape.name);
    let value = match &shape.kind {
        Kind::Structure(members) => Value::Object(
            members.iter().map(|member| (member.name.clone(), fill(member.shape(), above))).collect(),
        ),
        Kind::List(element) => Value::Array(vec![fill(element.shape(), above)]),
        Kind::Map(_, element) => {
            Value::Object([("KeyName".to_owned(), fill(element.shape(), above))].into_iter().collect())
        }
        Kind::String => shape.values.first().cloned().unwrap_or_default().into(),
        Kind::Integer | Kind::Long => 0.into(),
        Kind::Float => 0.0.into(),
        Kind::Boolean => true.into(),
        Kind::Timestamp => "1970-01-01T00:00:00".into(),
        Kind::Blob => "".into(),
    };
    above.pop();
    value
}
