//! Boxes: a section for each object or list of objects, nested ones inside.

use serde_json::{Map, Value};
use unicode_width::UnicodeWidthChar;

use super::python::python_text;

/// Why a value cannot be a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Lists of different lengths in one column.
    #[error("Row should have {expected} elements, instead it has {found}")]
    Ragged {
        /// The length of the first row.
        expected: usize,
        /// The length of the offending one.
        found: usize,
    },
}

/// The AWS CLI ends its colours after everything that it writes, also after nothing.
const RESET: &str = "\u{1b}[0m";

/// A value as a table with this title; nothing for an empty value. A table wider than `width` shows objects as rows of
/// name and value. With `color`, in the AWS CLI's colours.
///
/// # Errors
///
/// When the rows of a list differ in length.
pub fn table(title: &str, value: &Value, width: usize, color: bool) -> Result<String, TableError> {
    let mut sections = Sections::default();
    if !sections.add(Some(title), value, 0)? {
        return Ok(String::new());
    }
    let mut sections = sections.0;
    if widest(&sections) > width {
        sections.iter_mut().for_each(Section::turn);
    }
    let widest = widest(&sections);
    let mut out = "-".repeat(widest) + "\n" + if color { RESET } else { "" };
    sections.iter().for_each(|section| section.render(widest, color, &mut out));
    Ok(out)
}

fn widest(sections: &[Section]) -> usize {
    sections.iter().map(Section::total_width).max().unwrap_or_default()
}

#[derive(Default)]
struct Sections(Vec<Section>);

impl Sections {
    fn add(&mut self, title: Option<&str>, value: &Value, indent: usize) -> Result<bool, TableError> {
        if is_empty(value) {
            return Ok(false);
        }
        if let Some(title) = title {
            self.new_section(title, indent);
        }
        match value {
            Value::Array(items) if items[0].is_object() => self.add_objects(items, indent, title)?,
            Value::Array(items) => {
                for item in items {
                    match item {
                        Value::Array(cells) if !cells.iter().any(is_nested) => self.row(cells.iter())?,
                        item if is_nested(item) => {
                            self.add(None, item, 0)?;
                        }
                        scalar => self.row([scalar])?,
                    }
                }
            }
            Value::Object(object) => self.add_object(object, indent)?,
            _ => {}
        }
        Ok(true)
    }

    fn add_object(&mut self, object: &Map<String, Value>, indent: usize) -> Result<(), TableError> {
        let (scalars, nested) = names(std::iter::once(object));
        match scalars.as_slice() {
            [] => {}
            [name] => self.cells(vec![(*name).to_owned(), python_text(&object[*name])])?,
            names => {
                self.headers(names);
                self.row(names.iter().map(|name| &object[*name]))?;
            }
        }
        for name in nested {
            self.add(Some(name), &object[name], indent + 1)?;
        }
        Ok(())
    }

    fn add_objects(&mut self, items: &[Value], indent: usize, title: Option<&str>) -> Result<(), TableError> {
        let objects = || items.iter().filter_map(Value::as_object);
        let (scalars, nested) = names(objects());
        self.headers(&scalars);
        for (index, object) in objects().enumerate() {
            if index > 0 && !nested.is_empty() {
                self.new_section(title.unwrap_or_default(), indent);
                self.headers(&scalars);
            }
            let cell = |name: &&str| object.get(*name).map(python_text).unwrap_or_default();
            self.cells(scalars.iter().map(cell).collect())?;
            for name in nested.iter().filter(|name| object.contains_key(**name)) {
                self.add(Some(name), &object[*name], indent + 1)?;
            }
        }
        Ok(())
    }

    fn new_section(&mut self, title: &str, indent: usize) {
        self.0.push(Section { title: title.to_owned(), indent, ..Section::default() });
    }

    fn current(&mut self) -> &mut Section {
        if self.0.is_empty() {
            self.new_section("", 0);
        }
        self.0.last_mut().expect("one was made")
    }

    fn headers(&mut self, names: &[&str]) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let section = self.current();
        section.measure(&names);
        section.headers = names;
    }

    fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a Value>) -> Result<(), TableError> {
        self.cells(cells.into_iter().map(python_text).collect())
    }

    fn cells(&mut self, cells: Vec<String>) -> Result<(), TableError> {
        let section = self.current();
        let expected = section.columns.unwrap_or(cells.len());
        if expected != cells.len() {
            return Err(TableError::Ragged { expected, found: cells.len() });
        }
        section.measure(&cells);
        section.rows.push(cells);
        Ok(())
    }
}

/// The names of the scalars and of the nested values of these objects, each sorted.
fn names<'a>(objects: impl Iterator<Item = &'a Map<String, Value>>) -> (Vec<&'a str>, Vec<&'a str>) {
    let (mut scalars, mut nested) = (Vec::new(), Vec::new());
    for (name, value) in objects.flatten() {
        if is_nested(value) { &mut nested } else { &mut scalars }.push(name.as_str());
    }
    for names in [&mut scalars, &mut nested] {
        names.sort_unstable();
        names.dedup();
    }
    (scalars, nested)
}

fn is_nested(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

/// What Python takes for false.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(object) => object.is_empty(),
    }
}

#[derive(Default)]
struct Section {
    title: String,
    indent: usize,
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
    columns: Option<usize>,
    widths: Vec<usize>,
}

impl Section {
    fn measure(&mut self, cells: &[String]) {
        self.columns.get_or_insert(cells.len());
        if self.widths.is_empty() {
            self.widths = cells.iter().map(|cell| length(cell)).collect();
        } else {
            self.widths.iter_mut().zip(cells).for_each(|(width, cell)| *width = length(cell).max(*width));
        }
    }

    /// A single object becomes rows of name and value.
    fn turn(&mut self) {
        if self.rows.len() != 1 || self.headers.is_empty() {
            return;
        }
        let values = self.rows.remove(0);
        let pairs: Vec<_> = std::mem::take(&mut self.headers).into_iter().zip(values).collect();
        (self.columns, self.widths) = (None, Vec::new());
        for (name, value) in pairs {
            let cells = vec![name, value];
            self.measure(&cells);
            self.rows.push(cells);
        }
    }

    fn total_width(&self) -> usize {
        let cells: usize = self.widths.iter().map(|width| width + 4).sum();
        (cells + 2).max(length(&self.title) + 2) + 2 * self.indent
    }

    /// The widths of the columns, stretched or shrunk to fill the table.
    fn column_widths(&self, total: usize) -> Vec<usize> {
        let natural: Vec<_> = self.widths.iter().map(|width| width + 4).collect();
        let sum: usize = natural.iter().sum();
        if sum == 0 {
            return natural;
        }
        let factor = total as f64 / sum as f64;
        let mut widths: Vec<_> =
            natural.iter().map(|width| (factor * *width as f64).round_ties_even() as usize).collect();
        let mut off = widths.iter().sum::<usize>() as i64 - total as i64;
        while off != 0 {
            let columns = widths.len();
            for step in 0..columns {
                let column = if off < 0 { columns - 1 - step } else { step };
                if off > 0 {
                    widths[column] = widths[column].saturating_sub(1);
                    off -= 1;
                } else {
                    widths[column] += 1;
                    off += 1;
                }
                if off == 0 {
                    break;
                }
            }
        }
        widths
    }

    fn render(&self, table: usize, color: bool, out: &mut String) {
        let width = table - 2 * self.indent;
        let bar = if color { "\u{1b}[2m\u{1b}[33m|\u{1b}[0m" } else { "|" }.repeat(self.indent);
        let reset = if color { RESET } else { "" };
        let mut line =
            |text: &str| [&bar, text, &bar, "\n"].iter().for_each(|part| out.extend([part, reset]));
        if !self.title.is_empty() {
            line(&centered(&self.title, width, "|"));
            if self.headers.is_empty() && self.rows.is_empty() {
                line(&format!("+{}+", "-".repeat(width - 2)));
            }
        }
        let widths = self.column_widths(width);
        let edge = |index: usize| if index == 0 { "|" } else { "" };
        if !self.headers.is_empty() {
            line(&rule(&widths));
            let cells = self.headers.iter().zip(&widths).enumerate();
            let cells = cells.map(|(index, (header, width))| centered(header, *width, edge(index)));
            line(&cells.collect::<String>());
        }
        if !self.rows.is_empty() && !widths.is_empty() {
            line(&rule(&widths));
            for row in &self.rows {
                let cells = row.iter().zip(&widths).enumerate();
                let cells = cells.map(|(index, (cell, width))| left(cell, *width, edge(index), color));
                line(&cells.collect::<String>());
            }
            line(&rule(&widths));
        }
    }
}

fn rule(widths: &[usize]) -> String {
    let part = |(index, width): (usize, &usize)| match index {
        0 => format!("+{}+", "-".repeat(width.saturating_sub(2))),
        _ => format!("{}+", "-".repeat(width.saturating_sub(1))),
    };
    widths.iter().enumerate().map(part).collect()
}

fn centered(text: &str, width: usize, edge: &str) -> String {
    let before = (width / 2).saturating_sub(length(text) / 2 + 1);
    let after = width.saturating_sub(1 + edge.len() + before + length(text));
    format!("{edge}{}{text}{}|", " ".repeat(before), " ".repeat(after))
}

fn left(text: &str, width: usize, edge: &str, color: bool) -> String {
    let padding = if length(text) + 2 + edge.len() < width { 2 } else { 0 };
    let after = width.saturating_sub(edge.len() + padding + length(text) + 1);
    let text = if color { format!("\u{1b}[1m\u{1b}[34m{text}\u{1b}[0m") } else { text.to_owned() };
    format!("{edge}{}{text}{}|", " ".repeat(padding), " ".repeat(after))
}

/// Columns on a screen, as the AWS CLI counts them: wide and ambiguous letters are two.
fn length(text: &str) -> usize {
    text.chars().map(|letter| if letter.width_cjk() == Some(2) { 2 } else { 1 }).sum()
}
