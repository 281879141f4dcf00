//! What was typed -> what is meant: an operation of a service with its parameters, and how to print the result.
//!
//! Pure. The syntax is that of the AWS CLI version 2, its abbreviations, shorthand, customisations for EC2 and error
//! texts included; names, types and required parameters come from the service model. Services and operations that the
//! model of [`crate::wire`] does not have are unknown here too.

mod arguments;
mod ec2;
mod failure;
mod globals;
mod help;
mod options;
mod shorthand;
mod skeleton;
mod validate;
mod value;

use serde_json::{Map, Value};

pub use failure::Failure;
pub use globals::{Format, Globals};

use crate::aws::frame::Typed;
use crate::aws::query::Query;
use crate::wire::{Operation, Service, kebab};
use arguments::scan;
use options::{Options, Use};

/// What a command line means.
#[derive(Debug)]
pub enum Command {
    /// Call an operation and print what it answers.
    Call(Box<Invocation>),
    /// Call an operation until a condition holds.
    Wait {
        /// The waiter's name in the model.
        waiter: &'static str,
        /// The call.
        invocation: Box<Invocation>,
    },
    /// Print this text.
    Print(String),
    /// `aws configure ...`.
    Configure(Vec<String>, Globals),
}

/// A call with everything that surrounds it.
#[derive(Debug)]
pub struct Invocation {
    /// The operation.
    pub operation: &'static Operation,
    /// Its parameters, checked against the model.
    pub params: Value,
    /// `--starting-token`, `--page-size`, `--max-items`.
    pub paging: Paging,
    /// The options that go with every command.
    pub globals: Globals,
}

/// How much of a paged result is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paging {
    /// Whether pages are fetched and joined at all.
    pub on: bool,
    /// Where to go on.
    pub starting_token: Option<String>,
    /// How many items to ask for at a time.
    pub page_size: Option<i64>,
    /// How many items to show at most.
    pub max_items: Option<usize>,
}

/// Understands a command line.
///
/// # Errors
///
/// With the text and exit status of the AWS CLI, when it means nothing.
pub fn understand(typed: &Typed) -> Result<Command, Failure> {
    let (globals, service, rest) = match globals::split(typed)? {
        globals::Split::Version => return Ok(Command::Print(help::version())),
        globals::Split::Command(globals, service, rest) => (*globals, service, rest),
    };
    match service.as_str() {
        "help" => return Ok(Command::Print(help::services())),
        "configure" => return Ok(Command::Configure(rest, globals)),
        _ => {}
    }
    let known =
        || Service::all().map(Service::name).into_iter().chain(["configure", "help"]).collect::<Vec<_>>();
    let service = Service::named(&service).ok_or_else(|| Failure::choice("command", &service, &known()))?;
    let scanned = scan(&rest, &[], 1)?;
    let Some(verb) = scanned.positionals.first() else {
        return Err(Failure::required(&["operation"]));
    };
    if verb == "help" {
        return Ok(Command::Print(help::operations(service)));
    }
    if verb == "wait" && service.waiter_names().next().is_some() {
        return wait(service, &scanned.rest, typed, globals);
    }
    let operation =
        service.operation_names().find(|name| kebab(name) == *verb).and_then(|name| service.operation(name));
    let Some(operation) = operation else {
        let mut known: Vec<_> = service.operation_names().map(kebab).collect();
        known.extend(service.waiter_names().next().map(|_| "wait".to_owned()));
        known.push("help".to_owned());
        return Err(Failure::choice("operation", verb, &known));
    };
    call(operation, &scanned.rest, typed, globals)
}

fn wait(
    service: &'static Service,
    args: &[String],
    typed: &Typed,
    globals: Globals,
) -> Result<Command, Failure> {
    let scanned = scan(args, &[], 1)?;
    let Some(word) = scanned.positionals.first() else {
        return Err(Failure::usage_of(
            &format!("{} wait <subcommand> [parameters]", service.name()),
            "too few arguments",
        ));
    };
    if word == "help" {
        return Ok(Command::Print(help::waiters(service)));
    }
    let Some(waiter) = service.waiter_names().find(|name| kebab(name) == *word) else {
        let known: Vec<_> = service.waiter_names().map(kebab).collect();
        return Err(Failure::choice("subcommand", word, &known));
    };
    let operation =
        service.waiter(waiter).and_then(|waiter| service.operation(waiter["operation"].as_str()?));
    let operation =
        operation.ok_or_else(|| Failure::general("the model lacks the operation of this waiter"))?;
    match call(operation, &scanned.rest, typed, globals)? {
        Command::Call(invocation) => Ok(Command::Wait { waiter, invocation }),
        other => Ok(other),
    }
}

fn call(
    operation: &'static Operation,
    args: &[String],
    typed: &Typed,
    mut globals: Globals,
) -> Result<Command, Failure> {
    let options = Options::of(operation);
    if args == ["help"] {
        return Ok(Command::Print(help::operation(operation, &options)));
    }
    // Argparse's optional word `help` is looked for only where a command line begins.
    let words = usize::from(args.first().is_some_and(|arg| !arg.starts_with('-')));
    let scanned = scan(args, &options.specs(), words)?;
    let used = options.used(scanned, typed)?;
    if let Some(kind) = used.skeleton() {
        return skeleton::print(operation, kind).map(Command::Print);
    }
    ec2::check(operation, &used)?;
    let mut params = Map::new();
    let mut paging = Paging {
        on: globals.paginate && operation.service.paginator(operation.name).is_some(),
        ..Paging::default()
    };
    for (option, values) in used.iter() {
        match &option.role {
            Use::Member(member) => {
                let value = value::unpack(member.shape(), &option.name, values)?;
                params.insert(member.name.clone(), value);
            }
            Use::Flag(member, on) => {
                params.insert(member.name.clone(), Value::Bool(*on));
            }
            Use::Switch(member) => {
                let value = value::switch(member.shape(), &option.name, values)?;
                params.insert(member.name.clone(), value);
            }
            Use::SwitchOff(member) => {
                params.insert(member.name.clone(), serde_json::json!({"Value": false}));
            }
            Use::Ec2(role) => ec2::apply(*role, values, &mut params)?,
            Use::StartingToken => paging.starting_token = values.text(),
            Use::PageSize => paging.page_size = values.number(),
            Use::MaxItems => {
                paging.max_items = values.number().and_then(|number| usize::try_from(number).ok())
            }
            Use::InputJson | Use::InputYaml | Use::Skeleton => {}
        }
    }
    let typed_paging =
        [&paging.starting_token.is_some(), &paging.page_size.is_some(), &paging.max_items.is_some()];
    if !globals.paginate && typed_paging.into_iter().any(|given| *given) {
        return Err(Failure::no_paging(&paging));
    }
    if let Some(input) = used.input()? {
        for (name, value) in input {
            params.entry(name).or_insert(value);
        }
    }
    if let Some(paginator) = operation.service.paginator(operation.name) {
        // Who pages by hand gets the pages as they are.
        let own = |key: &str| paginator[key].as_str().is_some_and(|name| params.contains_key(name));
        if own("input_token") || own("limit_key") {
            paging.on = false;
            globals.paginate = false;
        }
    }
    ec2::finish(operation, &mut params);
    if let (true, Some(paginator)) = (paging.on, operation.service.paginator(operation.name)) {
        paging.page_size = paging.page_size.or_else(|| ec2::page_size(operation, &params));
        if let (Some(size), Some(limit)) = (paging.page_size, paginator["limit_key"].as_str()) {
            params.insert(limit.to_owned(), size.into());
        }
    }
    let mut params = Value::Object(params);
    if let Some(shape) = operation.input() {
        validate::check(shape, &params)?;
        value::settle(shape, &mut params)?;
    }
    Ok(Command::Call(Box::new(Invocation { operation, params, paging, globals })))
}

/// The `--query` of a command, compiled.
pub(crate) fn compile_query(expression: &str) -> Result<Query, Failure> {
    Query::compile(expression)
        .map_err(|error| Failure::parameter(format!("Bad value for --query {expression}: {error}")))
}

#[cfg(test)]
mod tests;
