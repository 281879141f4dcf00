//! Tab-separated text: a line for each object, its scalars in the order of their names.

use serde_json::{Map, Value};

use super::python::python_text;

/// A value as lines of words.
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, None, None, &mut out);
    out
}

fn write(value: &Value, label: Option<&str>, columns: Option<&[&str]>, out: &mut String) {
    match value {
        Value::Object(object) => write_object(object, label, columns, out),
        Value::Array(items) => write_list(items, label, out),
        scalar => line(&[python_text(scalar)], out),
    }
}

fn write_list(items: &[Value], label: Option<&str>, out: &mut String) {
    if items.iter().any(Value::is_object) {
        let columns = scalar_names(items);
        items.iter().for_each(|item| write(item, label, Some(&columns), out));
    } else if items.iter().any(Value::is_array) {
        let (inner, scalars): (Vec<_>, Vec<_>) = items.iter().partition(|item| is_nested(item));
        write_words(&scalars, label, out);
        inner.into_iter().for_each(|item| write(item, label, None, out));
    } else {
        write_words(&items.iter().collect::<Vec<_>>(), label, out);
    }
}

fn write_words(items: &[&Value], label: Option<&str>, out: &mut String) {
    let words = items.iter().map(|item| python_text(item));
    match label {
        _ if items.is_empty() => {}
        Some(label) => words.for_each(|word| line(&[label.to_uppercase(), word], out)),
        None => line(&words.collect::<Vec<_>>(), out),
    }
}

fn write_object(
    object: &Map<String, Value>,
    label: Option<&str>,
    columns: Option<&[&str]>,
    out: &mut String,
) {
    let mut names: Vec<_> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    let mut words = Vec::new();
    let mut inner = Vec::new();
    match columns {
        Some(columns) => {
            let word = |name: &&str| object.get(*name).map(python_text).unwrap_or_default();
            words.extend(columns.iter().map(word));
            inner.extend(names.into_iter().filter(|name| !columns.contains(name)));
        }
        None => {
            let (nested, scalars): (Vec<_>, Vec<_>) =
                names.into_iter().partition(|name| is_nested(&object[*name]));
            words.extend(scalars.iter().map(|name| python_text(&object[*name])));
            inner = nested;
        }
    }
    if !words.is_empty() {
        words.splice(0..0, label.map(str::to_uppercase));
        line(&words, out);
    }
    inner.into_iter().for_each(|name| write(&object[name], Some(name), None, out));
}

/// The names under which any of these objects has a scalar.
fn scalar_names(items: &[Value]) -> Vec<&str> {
    let objects = items.iter().filter_map(Value::as_object).flatten();
    let mut names: Vec<_> =
        objects.filter(|(_, value)| !is_nested(value)).map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn is_nested(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

fn line(words: &[String], out: &mut String) {
    out.push_str(&words.join("\t"));
    out.push('\n');
}
