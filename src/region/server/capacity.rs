//! Whether this machine has room for the instances that a call wants to start.

use serde_json::Value;

use super::plane::Saved;
use crate::region::limits::{Raised, Room, Sight, room};
use crate::region::model::{Action, InstanceState};
use crate::wire::Fault;

/// The limits of this machine.
#[derive(Debug)]
pub(super) struct Capacity {
    pub sight: Sight,
    /// What was raised for this daemon.
    pub raised: Vec<Raised>,
}

impl Capacity {
    /// Room for more instances beside so many.
    pub fn room(&self, instances: u64) -> Room {
        room(&self.sight, instances, false)
    }

    /// Refuses a call that wants to start more instances than there is room for. One that would do with fewer gets fewer,
    /// as on EC2.
    ///
    /// # Errors
    /// `InsufficientInstanceCapacity`, with the limit that leaves no room.
    pub fn admit(&self, action: Action, room: impl FnOnce() -> Room) -> Result<Action, Fault> {
        let number = |name: &str| action.params.get(name).and_then(Value::as_u64);
        let (least, most) = match action.operation.as_str() {
            "RunInstances" => (number("MinCount"), number("MaxCount")),
            "StartInstances" => {
                let ids = action.params.get("InstanceIds").and_then(Value::as_array);
                let count = ids.map(|ids| ids.len() as u64);
                (count, count)
            }
            _ => return Ok(action),
        };
        // What is wrong with the numbers is said by whoever reads them.
        let (Some(least), Some(most)) = (least, most) else { return Ok(action) };
        let room = room();
        if most <= room.instances {
            return Ok(action);
        }
        if least <= room.instances && least > 0 && action.operation == "RunInstances" {
            let mut fewer = action;
            fewer.params["MaxCount"] = room.instances.into();
            return Ok(fewer);
        }
        let Room { instances, by, hint } = room;
        let hint = hint.map(|hint| format!(" Hint: {hint}.")).unwrap_or_default();
        Err(Fault::new(
            "InsufficientInstanceCapacity",
            format!(
                "This machine has room for {instances} more instances, not for {least}, because of {by}.{hint}"
            ),
        ))
    }
}

/// How many instances have processes, or will have.
pub(super) fn count(saved: &Saved) -> u64 {
    let instances = saved.state.regions().flat_map(|(_, _, region)| &region.instances);
    let ended = [InstanceState::Stopped, InstanceState::Terminated];
    instances.filter(|instance| !ended.contains(&instance.state)).count() as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn admit(operation: &str, params: Value, instances: u64) -> Result<Value, String> {
        let capacity = Capacity { sight: Sight::of_server(BTreeMap::new()), raised: Vec::new() };
        let action = Action::new(operation, params);
        let room = || Room { instances, by: "x = 3 (things)".to_owned(), hint: Some("do this".to_owned()) };
        capacity.admit(action, room).map(|action| action.params).map_err(|fault| fault.to_string())
    }

    #[test]
    fn more_instances_than_there_is_room_for_are_refused_or_become_fewer() {
        let counts = |least: u64, most: u64| json!({"MinCount": least, "MaxCount": most});
        assert_eq!(admit("RunInstances", counts(3, 3), 3), Ok(counts(3, 3)));
        assert_eq!(admit("RunInstances", counts(1, 9), 3), Ok(counts(1, 3)));
        let refused = admit("RunInstances", counts(4, 4), 3).expect_err("refused");
        assert_eq!(
            refused,
            "InsufficientInstanceCapacity: This machine has room for 3 more instances, not for 4, because of \
             x = 3 (things). Hint: do this."
        );
        assert!(admit("StartInstances", json!({"InstanceIds": ["i-1", "i-2"]}), 1).is_err());
        assert!(admit("StartInstances", json!({"InstanceIds": ["i-1"]}), 1).is_ok());
        // What starts nothing needs no room, and what is no number is somebody else's matter.
        assert!(admit("CreateVpc", json!({}), 0).is_ok());
        assert!(admit("RunInstances", json!({"MinCount": "a"}), 0).is_ok());
    }
}
