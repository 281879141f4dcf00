//! The functions of JMESPath.

use std::cmp::Ordering;

use jmespath::ast::Ast;
use serde_json::{Map, Number, Value};

use super::{QueryError, equal, evaluate, number, order};
use crate::aws::output;

/// The functions, how many arguments each takes, and whether it takes more.
const ARITY: [(&str, usize, bool); 26] = [
    ("abs", 1, false),
    ("avg", 1, false),
    ("ceil", 1, false),
    ("contains", 2, false),
    ("ends_with", 2, false),
    ("floor", 1, false),
    ("join", 2, false),
    ("keys", 1, false),
    ("length", 1, false),
    ("map", 2, false),
    ("max", 1, false),
    ("max_by", 2, false),
    ("merge", 1, true),
    ("min", 1, false),
    ("min_by", 2, false),
    ("not_null", 1, true),
    ("reverse", 1, false),
    ("sort", 1, false),
    ("sort_by", 2, false),
    ("starts_with", 2, false),
    ("sum", 1, false),
    ("to_array", 1, false),
    ("to_number", 1, false),
    ("to_string", 1, false),
    ("type", 1, false),
    ("values", 1, false),
];

pub(super) fn call(name: &str, args: &[Ast], input: &Value) -> Result<Value, QueryError> {
    let known = ARITY.iter().find(|(known, ..)| *known == name);
    let (_, expected, more) = known.ok_or_else(|| QueryError::Unknown(name.to_owned()))?;
    if args.len() < *expected || (args.len() > *expected && !more) {
        let least = if *more { "at least " } else { "" };
        let (expected, received) = (*expected, args.len());
        return Err(QueryError::Arity { name: name.to_owned(), least, expected, received });
    }
    let values = args.iter().map(|arg| evaluate(arg, input)).collect::<Result<Vec<_>, _>>()?;
    let call = Call { name, args, values };
    Ok(match name {
        "abs" => float_or_int(call.number(0)?, f64::abs, |whole| whole.abs()),
        "ceil" => (number(call.number(0)?).ceil() as i64).into(),
        "floor" => (number(call.number(0)?).floor() as i64).into(),
        "avg" => match call.numbers()?.as_slice() {
            [] => Value::Null,
            numbers => (numbers.iter().map(|item| number(item)).sum::<f64>() / numbers.len() as f64).into(),
        },
        "sum" => sum(&call.numbers()?),
        "contains" => match call.value(0, &["array", "string"])? {
            Value::String(text) => call.values[1].as_str().is_some_and(|part| text.contains(part)).into(),
            value => call.items(value).iter().any(|item| equal(item, &call.values[1])).into(),
        },
        "starts_with" => call.text(0)?.starts_with(call.text(1)?).into(),
        "ends_with" => call.text(0)?.ends_with(call.text(1)?).into(),
        "join" => {
            let words = call
                .array(1)?
                .iter()
                .map(|item| item.as_str().ok_or_else(|| call.wrong(item, &["array-string"])));
            words.collect::<Result<Vec<_>, _>>()?.join(call.text(0)?).into()
        }
        "keys" => call.object(0)?.keys().cloned().collect::<Vec<_>>().into(),
        "values" => call.object(0)?.values().cloned().collect(),
        "length" => match call.value(0, &["string", "array", "object"])? {
            Value::String(text) => text.chars().count().into(),
            Value::Array(items) => items.len().into(),
            value => value.as_object().map_or(0, Map::len).into(),
        },
        "map" => {
            let expression = call.expression(0)?;
            call.array(1)?.iter().map(|item| evaluate(expression, item)).collect::<Result<_, _>>()?
        }
        "max" => call.comparable()?.iter().max_by(rank).cloned().unwrap_or_default(),
        "min" => call.comparable()?.iter().min_by(rank).cloned().unwrap_or_default(),
        "sort" => {
            let mut items = call.comparable()?.to_vec();
            items.sort_by(|left, right| rank(&left, &right));
            items.into()
        }
        "sort_by" => {
            let mut pairs = call.keyed()?;
            pairs.sort_by(|left, right| rank(&&left.0, &&right.0));
            pairs.into_iter().map(|(_, item)| item).collect()
        }
        "max_by" => best(call.keyed()?, Ordering::is_gt),
        "min_by" => best(call.keyed()?, Ordering::is_lt),
        "merge" => {
            let mut merged = Map::new();
            for index in 0..call.values.len() {
                merged.extend(call.object(index)?.clone());
            }
            merged.into()
        }
        "not_null" => call.values.into_iter().find(|value| !value.is_null()).unwrap_or_default(),
        "reverse" => match call.value(0, &["array", "string"])? {
            Value::String(text) => text.chars().rev().collect::<String>().into(),
            value => call.items(value).iter().rev().cloned().collect(),
        },
        "to_array" => match &call.values[0] {
            Value::Array(items) => items.clone().into(),
            value => vec![value.clone()].into(),
        },
        "to_number" => match &call.values[0] {
            Value::Number(number) => number.clone().into(),
            Value::String(text) => to_number(text.trim()),
            _ => Value::Null,
        },
        "to_string" => match &call.values[0] {
            Value::String(text) => text.clone().into(),
            value => value.to_string().into(),
        },
        _ => kind(&call.values[0]).into(),
    })
}

struct Call<'a> {
    name: &'a str,
    args: &'a [Ast],
    values: Vec<Value>,
}

impl<'a> Call<'a> {
    fn wrong(&self, value: &Value, expected: &[&str]) -> QueryError {
        self.refusal(value, expected, kind(value))
    }

    fn refusal(&self, value: &Value, expected: &[&str], received: &str) -> QueryError {
        let words: Vec<_> = expected.iter().map(|word| format!("'{word}'")).collect();
        QueryError::Type {
            name: self.name.to_owned(),
            value: output::python_text(value),
            expected: format!("[{}]", words.join(", ")),
            received: received.to_owned(),
        }
    }

    fn value(&self, index: usize, kinds: &[&str]) -> Result<&Value, QueryError> {
        let value = &self.values[index];
        let is_expression = matches!(self.args[index], Ast::Expref { .. });
        if kinds.contains(&kind(value)) && !is_expression { Ok(value) } else { Err(self.wrong(value, kinds)) }
    }

    fn number(&self, index: usize) -> Result<&Number, QueryError> {
        let value = self.value(index, &["number"])?;
        value.as_number().ok_or_else(|| self.wrong(value, &["number"]))
    }

    fn text(&self, index: usize) -> Result<&str, QueryError> {
        Ok(self.value(index, &["string"])?.as_str().unwrap_or_default())
    }

    fn object(&self, index: usize) -> Result<&Map<String, Value>, QueryError> {
        let value = self.value(index, &["object"])?;
        value.as_object().ok_or_else(|| self.wrong(value, &["object"]))
    }

    fn array(&self, index: usize) -> Result<&[Value], QueryError> {
        Ok(self.items(self.value(index, &["array"])?))
    }

    fn items<'b>(&self, value: &'b Value) -> &'b [Value] {
        value.as_array().map(Vec::as_slice).unwrap_or_default()
    }

    fn numbers(&self) -> Result<Vec<&Number>, QueryError> {
        let items = self
            .items(self.value(0, &["array"]).map_err(|_| self.wrong(&self.values[0], &["array-number"]))?);
        items.iter().map(|item| item.as_number().ok_or_else(|| self.wrong(item, &["array-number"]))).collect()
    }

    /// An array of nothing but numbers or nothing but strings.
    fn comparable(&self) -> Result<&[Value], QueryError> {
        let expected = if self.name == "sort" {
            ["array-string", "array-number"]
        } else {
            ["array-number", "array-string"]
        };
        let items =
            self.items(self.value(0, &["array"]).map_err(|_| self.wrong(&self.values[0], &expected))?);
        let first = items.first().map(kind);
        match items
            .iter()
            .find(|item| Some(kind(item)) != first || !matches!(kind(item), "number" | "string"))
        {
            Some(item) => Err(self.wrong(item, &expected)),
            None => Ok(items),
        }
    }

    fn expression(&self, index: usize) -> Result<&'a Ast, QueryError> {
        match &self.args[index] {
            Ast::Expref { ast, .. } => Ok(ast),
            _ => Err(self.wrong(&self.values[index], &["expref"])),
        }
    }

    /// The elements of an array with their keys, which are all numbers or all strings.
    fn keyed(&self) -> Result<Vec<(Value, Value)>, QueryError> {
        let expression = self.expression(1)?;
        let mut pairs = Vec::new();
        let mut expected: Vec<&str> = vec!["number", "string"];
        for item in self.array(0)? {
            let key = evaluate(expression, item)?;
            if !expected.contains(&kind(&key)) {
                return Err(match pairs.is_empty() && self.name == "sort_by" {
                    true => self.refusal(item, &["string", "number"], kind(&key)),
                    false => self.wrong(&key, &expected),
                });
            }
            if self.name == "sort_by" {
                expected = vec![kind(&key)];
            }
            pairs.push((key, item.clone()));
        }
        Ok(pairs)
    }
}

/// The name of a value's type.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The order of values that have one.
fn rank(left: &&Value, right: &&Value) -> Ordering {
    order(left, right).unwrap_or(Ordering::Equal)
}

/// The first element whose key beats all others.
fn best(pairs: Vec<(Value, Value)>, beats: fn(Ordering) -> bool) -> Value {
    let winner =
        pairs.into_iter().reduce(|best, pair| if beats(rank(&&pair.0, &&best.0)) { pair } else { best });
    winner.map(|(_, item)| item).unwrap_or_default()
}

fn float_or_int(value: &Number, float: fn(f64) -> f64, whole: fn(i64) -> i64) -> Value {
    match value.as_i64() {
        Some(number) => whole(number).into(),
        None => float(number(value)).into(),
    }
}

fn sum(numbers: &[&Number]) -> Value {
    let whole: Option<i64> = numbers.iter().map(|number| number.as_i64()).sum();
    whole.map_or_else(|| numbers.iter().map(|item| number(item)).sum::<f64>().into(), Value::from)
}

fn to_number(text: &str) -> Value {
    let whole = text.parse::<i64>().ok().map(Value::from);
    whole.or_else(|| text.parse::<f64>().ok().map(Value::from)).unwrap_or_default()
}
