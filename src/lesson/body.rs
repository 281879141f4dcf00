//! The text between two fences, and the way from a place in it to a place in the lesson.

use crate::source::Span;

/// The text between the fences, and where each part of it stands in the lesson.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// The text, without the indentation or quote marks of a list or quotation around the fence. Ends in a line break
    /// unless empty.
    pub text: String,
    /// For each piece of `text`: its offset there and in the lesson, ascending.
    pub(crate) pieces: Vec<(usize, usize)>,
    /// Where it stands in the lesson: from its first to its last byte.
    pub span: Span,
}

impl Body {
    /// The place in the lesson of the byte at `offset` in [`Body::text`].
    pub fn locate(&self, offset: usize) -> usize {
        let piece = self.pieces.partition_point(|(own, _)| *own <= offset).checked_sub(1);
        let (own, lesson) = piece.map_or((0, self.span.start), |index| self.pieces[index]);
        (lesson + offset - own).min(self.span.end)
    }

    /// The place in the lesson of a stretch of [`Body::text`].
    pub fn locate_span(&self, span: Span) -> Span {
        match span.len() {
            0 => Span::at(self.locate(span.start)),
            // By its last byte: the next byte may stand on another line, behind an indentation.
            _ => Span::new(self.locate(span.start), self.locate(span.end - 1) + 1),
        }
    }

    /// The place in the lesson of a line of [`Body::text`], counted from one, without its indentation. The last line
    /// for what lies beyond it.
    pub fn locate_line(&self, line: usize) -> Span {
        let mut start = 0;
        let mut found = Span::default();
        for (index, text) in self.text.split_inclusive('\n').enumerate() {
            let bare = text.trim();
            let indent = text.len() - text.trim_start().len();
            found = Span::new(start, start + bare.len()).shifted(if bare.is_empty() { 0 } else { indent });
            if index + 1 == line {
                break;
            }
            start += text.len();
        }
        self.locate_span(found)
    }

    /// Adds a piece of text that stands at `span` in the lesson.
    pub(crate) fn push(&mut self, part: &str, span: Span) {
        if self.pieces.is_empty() {
            self.span = span;
        }
        self.pieces.push((self.text.len(), span.start));
        self.text.push_str(part);
        self.span.end = span.end;
    }

    /// Drops everything from `at`, a place in the lesson.
    pub(crate) fn cut(&mut self, at: usize) {
        let keep = self.pieces.iter().rposition(|(_, place)| *place < at);
        let length = keep.map_or(0, |index| {
            let (own, place) = self.pieces[index];
            let next = self.pieces.get(index + 1).map_or(self.text.len(), |(own, _)| *own);
            next.min(own + at - place)
        });
        self.pieces.truncate(keep.map_or(0, |index| index + 1));
        self.text.truncate(length);
        self.span.end = self.span.end.min(at).max(self.span.start);
    }
}
