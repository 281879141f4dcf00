//! One colour and one hover text for each thing with an identity, throughout a page.
//!
//! A colour is only a hue, given in the order in which things appear; the style sheet makes it light or dark. Neighbours
//! in that order are far apart on the wheel, so that what stands together is easily told apart.

use std::collections::BTreeMap;

use super::html::Html;
use super::names::Names;
use crate::snapshot::Mention;
use crate::source::unseen;

/// The golden angle: no two of its multiples are close for long.
const STEP: f64 = 137.508;
/// Where the wheel begins; blue.
const FIRST: f64 = 255.0;

/// The things that a page has mentioned so far.
#[derive(Debug, Default)]
pub(super) struct Identities {
    numbers: BTreeMap<String, usize>,
}

impl Identities {
    /// The text, with each mention of a thing marked.
    pub fn mark(&mut self, text: &str, names: &Names) -> Html {
        let mut html = Html::new();
        let mut done = 0;
        for mention in names.mentions(text) {
            html = html.and_columns(&text[done..mention.span.start]);
            html = html.then(self.marked("span", &text[mention.span.clone()], &mention, names));
            done = mention.span.end;
        }
        html.and_columns(&text[done..])
    }

    /// The text as the inside of an SVG `text` element.
    pub fn mark_svg(&mut self, text: &str, names: &Names) -> Html {
        // No mark-up of HTML is known there.
        let text = &*unseen::shown(text);
        let mut html = Html::new();
        let mut done = 0;
        for mention in names.mentions(text) {
            html = html.and_text(&text[done..mention.span.start]);
            html = html.then(self.marked("tspan", &text[mention.span.clone()], &mention, names));
            done = mention.span.end;
        }
        html.and_text(&text[done..])
    }

    /// A label that stands for `value` (a variable, say), marked as the thing that `value` names. Unmarked when it
    /// names none.
    pub fn mark_as(&mut self, label: &str, value: &str, names: &Names) -> Option<Html> {
        let found = names.mentions(value);
        let [mention] = found.as_slice() else { return None };
        (mention.span == (0..value.len())).then(|| {
            let hover = format!("{label} = {value}\n{}", names.describe(mention));
            self.span("span", label, &mention.value, &hover)
        })
    }

    fn marked(&mut self, tag: &'static str, text: &str, mention: &Mention, names: &Names) -> Html {
        self.span(tag, text, &mention.value, &names.describe(mention))
    }

    fn span(&mut self, tag: &'static str, text: &str, value: &str, hover: &str) -> Html {
        let number = self.number(value);
        #[expect(clippy::cast_precision_loss, reason = "a page mentions fewer than 2^52 things")]
        let hue = (FIRST + STEP * number as f64) % 360.0;
        let (style, number) = (format!("--h:{hue:.0}"), number.to_string());
        let attributes =
            [("class", "lab-id"), ("style", style.as_str()), ("data-lab-id", &number), ("title", hover)];
        // A `title` attribute means nothing in SVG; the script reads it all the same.
        Html::element(tag, &attributes, Html::text(text))
    }

    fn number(&mut self, value: &str) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry(value.to_owned()).or_insert(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_has_one_colour_in_all_its_forms() {
        let mut ids = Identities::default();
        let names = Names::default();
        let first = ids.mark("10.0.1.57 and vpc-0123456789abcdef0", &names).into_string();
        let again = ids.mark("ip-10-0-1-57.ec2.internal", &names).into_string();
        assert!(
            first
                .contains(r#"style="--h:255" data-lab-id="0" title="private address">10.0.1.57</span> and "#),
            "{first}"
        );
        assert!(first.contains(r#"data-lab-id="1" title="VPC">vpc-"#), "{first}");
        assert!(again.contains(r#"data-lab-id="0""#), "{again}");
    }

    #[test]
    fn only_a_value_that_is_one_thing_colours_its_variable() {
        let mut ids = Identities::default();
        let names = Names::default();
        assert!(ids.mark_as("$VPC", "vpc-0123456789abcdef0", &names).is_some());
        assert!(ids.mark_as("$ZONE", "us-east-1a", &names).is_none());
        assert!(ids.mark_as("$LIST", "10.0.1.1 10.0.1.2", &names).is_none());
    }
}
