//! What of an answer is told once and must not be written down: private keys, passwords. The model says which members
//! these are.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::wire::{Kind, Operation, Shape};

/// Whether an operation's answer has a place for a secret.
pub(super) fn tells_secrets(operation: &'static Operation) -> bool {
    operation.output().is_some_and(|shape| has_secrets(shape, &mut BTreeSet::new()))
}

fn has_secrets(shape: &'static Shape, seen: &mut BTreeSet<&'static str>) -> bool {
    if shape.sensitive {
        return true;
    }
    if !seen.insert(shape.name) {
        return false;
    }
    match &shape.kind {
        Kind::Structure(members) => members.iter().any(|member| has_secrets(member.shape(), seen)),
        Kind::List(element) | Kind::Map(_, element) => has_secrets(element.shape(), seen),
        _ => false,
    }
}

/// An answer without its secrets.
pub(super) fn public(operation: &'static Operation, answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(shape) = operation.output() {
        take_out(shape, &mut answer);
    }
    answer
}

fn take_out(shape: &'static Shape, value: &mut Value) {
    match (&shape.kind, value) {
        (Kind::Structure(_), Value::Object(object)) => {
            object.retain(|name, value| match shape.member(name).map(|member| member.shape()) {
                Some(shape) if shape.sensitive => false,
                Some(shape) => {
                    take_out(shape, value);
                    true
                }
                None => true,
            });
        }
        (Kind::List(element), Value::Array(items)) => {
            items.iter_mut().for_each(|item| take_out(element.shape(), item));
        }
        (Kind::Map(_, element), Value::Object(object)) => {
            object.values_mut().for_each(|item| take_out(element.shape(), item));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::replay::is_change;
    use crate::wire::Service;

    #[test]
    fn a_private_key_is_taken_out_and_the_rest_stays() {
        let operation = Service::ec2().operation("CreateKeyPair").expect("in the model");
        let answer = json!({"KeyName": "k", "KeyMaterial": "-----BEGIN", "KeyPairId": "key-1"});
        assert_eq!(public(operation, &answer), json!({"KeyName": "k", "KeyPairId": "key-1"}));
    }

    /// `resume` knows what to do about a key pair whose private half is lost, and about nothing else of this sort.
    #[test]
    fn no_other_change_tells_a_secret() {
        let all = Service::all().into_iter().flat_map(|service| {
            service.operation_names().filter_map(|name| service.operation(name)).filter(|o| tells_secrets(o))
        });
        let changes: Vec<&str> = all.map(|operation| operation.name).filter(|name| is_change(name)).collect();
        assert_eq!(changes, ["CreateKeyPair"]);
    }
}
