//! The value of a response, or a fault -> what is sent back.

use serde_json::{Value, json};

use super::fault::Fault;
use super::json;
use super::scalar;
use super::service::{Operation, Protocol};
use super::shape::{Kind, Shape};
use super::xml::escape;

/// The body of a successful response: XML, or JSON where the service speaks that.
///
/// Nulls and members that the model does not have are left out; empty lists become empty elements. An operation
/// without a result answers `<return>true</return>`, as EC2 does.
pub fn encode_response(op: &Operation, value: &Value, request_id: &str) -> String {
    let (name, id, space) = (op.name, escape(request_id), op.service.xml_namespace());
    match op.service.protocol() {
        Protocol::Ec2 => {
            let mut xml =
                format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{name}Response xmlns=\"{space}\">");
            xml.push_str(&format!("<requestId>{id}</requestId>"));
            match op.output() {
                Some(shape) => content(shape, value, &mut xml),
                None => xml.push_str("<return>true</return>"),
            }
            xml.push_str(&format!("</{name}Response>"));
            xml
        }
        Protocol::Query => {
            let mut xml = format!("<{name}Response xmlns=\"{space}\">");
            if let Some(shape) = op.output() {
                let wrapper = op.result_wrapper().unwrap_or("Result");
                element(wrapper, shape, value, &mut xml);
            }
            let metadata = format!("<ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata>");
            xml.push_str(&format!("{metadata}</{name}Response>"));
            xml
        }
        Protocol::Json => match op.output() {
            Some(shape) => {
                json::encode(shape, &known(shape, value), "").unwrap_or_else(|_| value.clone()).to_string()
            }
            None => "{}".to_owned(),
        },
    }
}

/// The body of EC2's error response.
pub fn encode_error(fault: &Fault, request_id: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error>\
         </Errors><RequestID>{}</RequestID></Response>",
        escape(&fault.code),
        escape(&fault.message),
        escape(request_id)
    )
}

/// The body of an error response in the language of `op`'s service.
pub fn encode_error_for(op: &Operation, fault: &Fault, request_id: &str) -> String {
    match op.service.protocol() {
        Protocol::Ec2 => encode_error(fault, request_id),
        Protocol::Query => format!(
            "<ErrorResponse xmlns=\"{}\"><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error>\
             <RequestId>{}</RequestId></ErrorResponse>",
            op.service.xml_namespace(),
            escape(&fault.code),
            escape(&fault.message),
            escape(request_id)
        ),
        Protocol::Json => json!({"__type": fault.code, "message": fault.message}).to_string(),
    }
}

/// Whether a value has the shape of the operation's result: for the tests of whoever writes handlers.
///
/// # Errors
///
/// The path of the first member that the model does not have or that is of another type.
pub fn conforms(op: &Operation, value: &Value) -> Result<(), String> {
    match op.output() {
        Some(shape) => check(shape, value, op.name),
        None => Ok(()),
    }
}

fn check(shape: &Shape, value: &Value, path: &str) -> Result<(), String> {
    let wrong = || Err(format!("{path} should be {}, not {value}", scalar::expected(&shape.kind)));
    match (&shape.kind, value) {
        (_, Value::Null) => Ok(()),
        (Kind::Structure(_), Value::Object(object)) => object.iter().try_for_each(|(name, value)| {
            let path = format!("{path}.{name}");
            match shape.member(name) {
                Some(member) => check(member.shape(), value, &path),
                None => Err(format!("{path} is not in the model")),
            }
        }),
        (Kind::List(element), Value::Array(items)) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(index, item)| check(element.shape(), item, &format!("{path}[{index}]")))
        }
        (Kind::Map(_, element), Value::Object(object)) => {
            object.iter().try_for_each(|(key, item)| check(element.shape(), item, &format!("{path}.{key}")))
        }
        (Kind::Structure(_) | Kind::List(_) | Kind::Map(..), _) => wrong(),
        (kind @ (Kind::Timestamp | Kind::Blob), Value::String(text)) => {
            scalar::parse(kind, text).map(|_| ()).or_else(|_| wrong())
        }
        (kind, value) => scalar::format(kind, value).map(|_| ()).map_or_else(wrong, Ok),
    }
}

fn known(shape: &Shape, value: &Value) -> Value {
    match (&shape.kind, value) {
        (Kind::Structure(_), Value::Object(object)) => object
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), known(shape.member(name)?.shape(), value))))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        (Kind::List(element), Value::Array(items)) => {
            items.iter().map(|item| known(element.shape(), item)).collect()
        }
        _ => value.clone(),
    }
}

fn element(name: &str, shape: &Shape, value: &Value, xml: &mut String) {
    let start = xml.len();
    xml.push('<');
    xml.push_str(name);
    xml.push('>');
    let inside = xml.len();
    content(shape, value, xml);
    if xml.len() == inside {
        xml.truncate(start + 1 + name.len());
        xml.push_str("/>");
    } else {
        xml.push_str("</");
        xml.push_str(name);
        xml.push('>');
    }
}

fn content(shape: &Shape, value: &Value, xml: &mut String) {
    match (&shape.kind, value) {
        (Kind::Structure(members), Value::Object(object)) => {
            for member in members {
                if let Some(value) = object.get(&member.name).filter(|value| !value.is_null()) {
                    element(&member.response_name, member.shape(), value, xml);
                }
            }
        }
        (Kind::List(member), Value::Array(items)) => {
            // EC2 and the query protocol differ in the word that the model leaves out.
            let name = if member.response_name.is_empty() { "member" } else { &member.response_name };
            items.iter().for_each(|item| element(name, member.shape(), item, xml));
        }
        (Kind::Map(_, member), Value::Object(object)) => {
            for (key, item) in object {
                xml.push_str(&format!("<entry><key>{}</key>", escape(key)));
                element("value", member.shape(), item, xml);
                xml.push_str("</entry>");
            }
        }
        (kind, value) => {
            if let Some(text) = scalar::format(kind, value) {
                xml.push_str(&escape(&text));
            }
        }
    }
}
