//! Takes note of the secrets in calls and answers: private keys that are made, credentials, passwords.

use serde_json::Value;

use super::request::{Answer, Call, CallError, Request};
use crate::secret::Secrets;

/// Calls of which the secrets are known before anybody can print them.
pub struct Overheard<C> {
    call: C,
    secrets: Secrets,
}

impl<C: Call> Overheard<C> {
    /// Calls by `call`; what they teach goes to `secrets`.
    pub fn new(call: C, secrets: Secrets) -> Self {
        Self { call, secrets }
    }
}

impl<C: Call> Call for Overheard<C> {
    fn call<'a>(&'a self, request: &'a Request) -> Answer<'a, Result<Value, CallError>> {
        Box::pin(async move {
            note(&request.params, &self.secrets);
            let result = self.call.call(request).await;
            if let Ok(answer) = &result {
                note(answer, &self.secrets);
            }
            result
        })
    }
}

/// Every member whose name says that it is a secret, and parameters that the service keeps encrypted.
fn note(value: &Value, secrets: &Secrets) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| note(item, secrets)),
        Value::Object(members) => {
            let kept = members.get("Type").and_then(Value::as_str) == Some("SecureString");
            for (name, value) in members {
                match value.as_str() {
                    Some(text) if kept && name == "Value" => secrets.add(text),
                    Some(text) => secrets.add_named(name, text),
                    None => note(value, secrets),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_teach_their_secrets_and_nothing_else() {
        let secrets = Secrets::default();
        note(
            &json!({
                "Credentials": {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "abc123abc123abc123"},
                "NextToken": "page-0002-0002", "Parameter": {"Type": "SecureString", "Value": "plain word"},
                "Tags": [{"Key": "Name", "Value": "web-server-01"}],
            }),
            &secrets,
        );
        assert_eq!(
            secrets.mask("AKIAIOSFODNN7EXAMPLE abc123abc123abc123 page-0002-0002 a plain word web-server-01"),
            "AKIAIOSFODNN7EXAMPLE ******** page-0002-0002 a ******** web-server-01"
        );
    }
}
