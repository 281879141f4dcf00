//! Drawings as inline SVG: boxes, lines and text at places that were worked out before.
//!
//! Colours are the style sheet's, by class, so that every theme has its own. Text is monospaced, so that its width is
//! known here.

use super::html::Html;
use super::identity::Identities;
use super::names::Names;

/// The width of a character of the drawings' text, which is 12 units high; a little more than fonts take.
pub(super) const CHARACTER: f64 = 7.3;

/// A drawing of this size, in units that are pixels where there is room.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Drawing {
    pub width: f64,
    pub height: f64,
    pub shapes: Vec<Shape>,
}

/// Something drawn. Later ones cover earlier ones.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Box {
        x: f64,
        y: f64,
        width: f64,
        height: f64,
        class: &'static str,
    },
    Line {
        from: (f64, f64),
        to: (f64, f64),
        class: &'static str,
    },
    /// A line with a head at its end; horizontal.
    Arrow {
        from: f64,
        to: f64,
        y: f64,
        class: &'static str,
    },
    Text {
        x: f64,
        y: f64,
        text: String,
        class: &'static str,
        anchor: Anchor,
    },
}

/// Which part of a text is at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Drawing {
    /// The drawing as an `svg` element with a name for those who cannot see it.
    pub fn svg(&self, class: &str, label: &str, ids: &mut Identities, names: &Names) -> Html {
        let view = format!("0 0 {} {}", number(self.width), number(self.height));
        // Text a little smaller than it is meant can be read; before it gets too small, the drawing scrolls.
        let style = format!("max-width:{}px;min-width:{}px", number(self.width), number(0.8 * self.width));
        let shapes = self.shapes.iter().map(|shape| shape.svg(ids, names)).collect();
        let attributes = [
            ("class", class),
            ("viewBox", view.as_str()),
            ("style", &style),
            ("role", "img"),
            ("aria-label", label),
            ("xmlns", "http://www.w3.org/2000/svg"),
        ];
        Html::element("svg", &attributes, shapes)
    }

    pub fn text(&mut self, x: f64, y: f64, class: &'static str, anchor: Anchor, text: impl Into<String>) {
        self.shapes.push(Shape::Text { x, y, text: text.into(), class, anchor });
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &'static str) {
        self.shapes.push(Shape::Line { from, to, class });
    }
}

impl Shape {
    fn svg(&self, ids: &mut Identities, names: &Names) -> Html {
        let html = Html::new();
        match self {
            Self::Box { x, y, width, height, class } => {
                let [x, y, width, height] = [x, y, width, height].map(|n| number(*n));
                let place = [
                    ("class", *class),
                    ("x", &x),
                    ("y", &y),
                    ("width", &width),
                    ("height", &height),
                    ("rx", "6"),
                ];
                html.and_void("rect", &place)
            }
            Self::Line { from, to, class } => line(*from, *to, class),
            Self::Arrow { from, to, y, class } => {
                let back = if to > from { -7.0 } else { 7.0 };
                let points = [(*to, *y), (to + back, y - 4.0), (to + back, y + 4.0)];
                let points = points.map(|(x, y)| format!("{},{}", number(x), number(y))).join(" ");
                let class = format!("{class} lab-head-of");
                line((*from, *y), (*to, *y), class.split(' ').next().unwrap_or_default())
                    .and_void("polygon", &[("class", &class), ("points", &points)])
            }
            Self::Text { x, y, text, class, anchor } => {
                let anchor = match anchor {
                    Anchor::Start => "start",
                    Anchor::Middle => "middle",
                    Anchor::End => "end",
                };
                let (x, y) = (number(*x), number(*y));
                let place = [("class", *class), ("x", x.as_str()), ("y", &y), ("text-anchor", anchor)];
                html.and("text", &place, ids.mark_svg(text, names))
            }
        }
    }
}

fn line(from: (f64, f64), to: (f64, f64), class: &str) -> Html {
    let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(number);
    Html::new().and_void("line", &[("class", class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)])
}

/// At most one digit behind the point.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The text, cut so that it fits into `width`.
pub(super) fn fit(text: &str, width: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few dozen characters")]
    let room = (width / CHARACTER).max(1.0) as usize;
    if text.chars().count() <= room {
        text.to_owned()
    } else {
        text.chars().take(room - 1).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_to_fit_and_escaped() {
        assert_eq!(fit("abcdef", 4.0 * CHARACTER), "abc…");
        assert_eq!(fit("abcd", 4.0 * CHARACTER), "abcd");
        let mut drawing = Drawing { width: 10.0, height: 2.5, shapes: Vec::new() };
        drawing.text(1.0, 2.0, "lab-t", Anchor::End, "</text><script>");
        let svg = drawing.svg("x", "\"><b>", &mut Identities::default(), &Names::default()).into_string();
        assert!(svg.contains("&lt;/text&gt;&lt;script&gt;</text>") && !svg.contains("<b>"), "{svg}");
        assert!(svg.contains(r#"viewBox="0 0 10 2.5""#), "{svg}");
    }
}
