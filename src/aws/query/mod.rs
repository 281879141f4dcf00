//! `--query`: JMESPath over the value of a response.
//!
//! The grammar is the `jmespath` crate's; the evaluation is here, because that crate sorts the members of objects, and
//! the AWS CLI prints them in the model's order.

mod functions;

use std::cmp::Ordering;

use jmespath::ast::{Ast, Comparator};
use serde_json::{Map, Number, Value};

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It is not JMESPath.
    #[error("Invalid jmespath expression: {0}")]
    Syntax(String),
    /// It is empty.
    #[error("Invalid JMESPath expression: cannot be empty.")]
    Empty,
    /// A function was given too few or too many arguments.
    #[error("Expected {least}{expected} {unit} for function {name}(), received {received}", unit = if *expected == 1 { "argument" } else { "arguments" })]
    Arity {
        /// The function.
        name: String,
        /// `at least ` or nothing.
        least: &'static str,
        /// How many it takes.
        expected: usize,
        /// How many it got.
        received: usize,
    },
    /// A function was given something that it cannot use.
    #[error(
        "In function {name}(), invalid type for value: {value}, expected one of: {expected}, received: \"{received}\""
    )]
    Type {
        /// The function.
        name: String,
        /// What it got.
        value: String,
        /// The types that it takes.
        expected: String,
        /// The type that it got.
        received: String,
    },
    /// There is no such function.
    #[error("Unknown function: {0}()")]
    Unknown(String),
}

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Query(Ast);

impl Query {
    /// Compiles an expression.
    ///
    /// # Errors
    ///
    /// [`QueryError::Syntax`], with the place.
    pub fn compile(expression: &str) -> Result<Self, QueryError> {
        if expression.is_empty() {
            return Err(QueryError::Empty);
        }
        jmespath::parse(&quote_bare_literals(expression)).map(Self).map_err(|error| {
            let underline = " ".repeat(error.offset + 1) + "^";
            QueryError::Syntax(format!(
                "Parse error at column {}, for expression:\n\"{expression}\"\n{underline}",
                error.offset
            ))
        })
    }

    /// The value of the expression for this input.
    ///
    /// # Errors
    ///
    /// When a function is unknown or given what it cannot use.
    pub fn search(&self, input: &Value) -> Result<Value, QueryError> {
        evaluate(&self.0, input)
    }
}

/// `` `running` `` is old syntax for `` `"running"` ``, and still what most examples use.
fn quote_bare_literals(expression: &str) -> String {
    let mut out = String::new();
    let mut rest = expression;
    while let Some(at) = rest.find(['`', '\'', '"']) {
        let quote = &rest[at..=at];
        out.push_str(&rest[..at]);
        let inner = &rest[at + 1..];
        let Some(end) = closing(inner, quote) else {
            out.push_str(&rest[at..]);
            return out;
        };
        let literal = &inner[..end];
        let bare = quote == "`" && literal.replace("\\`", "`").parse::<Value>().is_err();
        if bare {
            out.push_str(&format!("`{}`", Value::from(literal.trim_start())));
        } else {
            out.push_str(&rest[at..at + end + 2]);
        }
        rest = &inner[end + 1..];
    }
    out + rest
}

fn closing(text: &str, quote: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, letter)| {
        let here = !escaped && quote.starts_with(letter);
        escaped = !escaped && letter == '\\';
        here.then_some(at)
    })
}

fn evaluate(ast: &Ast, input: &Value) -> Result<Value, QueryError> {
    Ok(match ast {
        Ast::Identity { .. } => input.clone(),
        Ast::Field { name, .. } => input.get(name).cloned().unwrap_or_default(),
        Ast::Index { idx, .. } => at_index(input, i64::from(*idx)),
        Ast::Literal { value, .. } => serde_json::to_value(value.as_ref()).unwrap_or_default(),
        Ast::Subexpr { lhs, rhs, .. } => evaluate(rhs, &evaluate(lhs, input)?)?,
        Ast::Slice { start, stop, step, .. } => slice(input, *start, *stop, *step),
        Ast::Comparison { comparator, lhs, rhs, .. } => {
            compare(comparator, &evaluate(lhs, input)?, &evaluate(rhs, input)?)
        }
        Ast::Condition { predicate, then, .. } => match is_true(&evaluate(predicate, input)?) {
            true => evaluate(then, input)?,
            false => Value::Null,
        },
        Ast::And { lhs, rhs, .. } => match evaluate(lhs, input)? {
            left if is_true(&left) => evaluate(rhs, input)?,
            left => left,
        },
        Ast::Or { lhs, rhs, .. } => match evaluate(lhs, input)? {
            left if is_true(&left) => left,
            _ => evaluate(rhs, input)?,
        },
        Ast::Not { node, .. } => (!is_true(&evaluate(node, input)?)).into(),
        Ast::Projection { lhs, rhs, .. } => match evaluate(lhs, input)? {
            Value::Array(items) => project(rhs, items.iter())?,
            _ => Value::Null,
        },
        Ast::ObjectValues { node, .. } => match evaluate(node, input)? {
            Value::Object(object) => object.into_iter().map(|(_, value)| value).collect(),
            _ => Value::Null,
        },
        Ast::Flatten { node, .. } => match evaluate(node, input)? {
            Value::Array(items) => flatten(items),
            _ => Value::Null,
        },
        Ast::MultiList { .. } | Ast::MultiHash { .. } if input.is_null() => Value::Null,
        Ast::MultiList { elements, .. } => {
            elements.iter().map(|element| evaluate(element, input)).collect::<Result<_, _>>()?
        }
        Ast::MultiHash { elements, .. } => {
            let pairs = elements.iter().map(|pair| Ok((pair.key.clone(), evaluate(&pair.value, input)?)));
            Value::Object(pairs.collect::<Result<Map<_, _>, QueryError>>()?)
        }
        Ast::Function { name, args, .. } => functions::call(name, args, input)?,
        Ast::Expref { .. } => Value::Null,
    })
}

fn project<'a>(rhs: &Ast, items: impl Iterator<Item = &'a Value>) -> Result<Value, QueryError> {
    let mut out = Vec::new();
    for item in items {
        let value = evaluate(rhs, item)?;
        if !value.is_null() {
            out.push(value);
        }
    }
    Ok(out.into())
}

fn flatten(items: Vec<Value>) -> Value {
    let mut out = Vec::new();
    for item in items {
        match item {
            Value::Array(inner) => out.extend(inner),
            item => out.push(item),
        }
    }
    out.into()
}

fn at_index(input: &Value, index: i64) -> Value {
    let Value::Array(items) = input else {
        return Value::Null;
    };
    let index = if index < 0 { index + items.len() as i64 } else { index };
    usize::try_from(index).ok().and_then(|index| items.get(index)).cloned().unwrap_or_default()
}

fn slice(input: &Value, start: Option<i32>, stop: Option<i32>, step: i32) -> Value {
    let Value::Array(items) = input else {
        return Value::Null;
    };
    let (length, step) = (items.len() as i64, i64::from(step));
    let (first, last) = if step < 0 { (length - 1, -1) } else { (0, length) };
    let bound = |given: Option<i32>, default: i64| match given.map(i64::from) {
        None => default,
        Some(at) if step < 0 => (if at < 0 { at + length } else { at }).clamp(-1, length - 1),
        Some(at) => (if at < 0 { at + length } else { at }).clamp(0, length),
    };
    let (mut at, end) = (bound(start, first), bound(stop, last));
    let mut out = Vec::new();
    while (step > 0 && at < end) || (step < 0 && at > end) {
        out.extend(usize::try_from(at).ok().and_then(|at| items.get(at)).cloned());
        at += step;
    }
    out.into()
}

fn compare(comparator: &Comparator, left: &Value, right: &Value) -> Value {
    let order = order(left, right);
    match comparator {
        Comparator::Equal => equal(left, right).into(),
        Comparator::NotEqual => (!equal(left, right)).into(),
        Comparator::LessThan => order.map(Ordering::is_lt).into(),
        Comparator::LessThanEqual => order.map(Ordering::is_le).into(),
        Comparator::GreaterThan => order.map(Ordering::is_gt).into(),
        Comparator::GreaterThanEqual => order.map(Ordering::is_ge).into(),
    }
}

/// The order of two numbers or two strings.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => number(left).partial_cmp(&number(right)),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || number(left) == number(right),
        _ => left == right,
    }
}

fn number(number: &Number) -> f64 {
    number.as_f64().unwrap_or_default()
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(object) => !object.is_empty(),
    }
}

#[cfg(test)]
mod tests;
