//! Markdown taken apart: the headings, fences and links of a text, each with its place.
//!
//! Only what lessons need is kept. What a fence says in braces is not understood here.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::lesson::fence::{Fence, FenceEnd, close, open};
use crate::source::Span;

/// What was found in a text, each in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Markdown {
    pub headings: Vec<Heading>,
    pub fences: Vec<Fence>,
    pub links: Vec<Link>,
    /// Where Markdown sees no fences.
    pub barred: Vec<Barred>,
}

/// A stretch of a text in which nothing is a fence, whatever it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Barred {
    pub by: Bar,
    pub span: Span,
}

/// What keeps Markdown from seeing fences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bar {
    /// HTML, up to the next blank line or to its end.
    Html,
    /// Lines that are indented by four columns or more.
    Indentation,
    Table,
}

/// A heading of any level.
#[derive(Clone, Debug)]
pub(crate) struct Heading {
    /// From 1.
    pub level: u8,
    /// Plain text, without emphasis and the like.
    pub text: String,
    pub span: Span,
}

/// A link to somewhere.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// Where it goes, as written.
    pub target: String,
    pub span: Span,
}

impl Markdown {
    /// Takes `text` apart. Any text will do.
    pub fn parse(text: &str) -> Self {
        let mut found = Self::default();
        let mut from = 0;
        // A forgotten closing line would swallow what follows it up to the next fence's end, and hide its mistakes.
        // So the fence is cut there, and the rest read anew.
        while let Some(at) = found.read(&text[from..], from) {
            from = at;
        }
        found
    }

    /// Reads `text`, which begins at `base` in the whole. Stops before a fence that opens within another, and gives its
    /// place.
    fn read(&mut self, text: &str, base: usize) -> Option<usize> {
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
        let mut heading: Option<Heading> = None;
        let mut fence: Option<Fence> = None;
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            let span = Span::from(range).shifted(base);
            match event {
                Event::Start(Tag::Heading { level, .. }) => {
                    heading = Some(Heading { level: number(level), text: String::new(), span });
                }
                Event::End(TagEnd::Heading(_)) => self.headings.extend(heading.take()),
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => {
                    fence = Some(open(text, base, span))
                }
                Event::End(TagEnd::CodeBlock) => {
                    if let Some(fence) = fence.take() {
                        let fence = close(text, base, fence);
                        let end = fence.end;
                        self.fences.push(fence);
                        if let FenceEnd::NextOpens(at) = end {
                            return Some(at);
                        }
                    }
                }
                Event::Start(Tag::HtmlBlock) => self.barred.push(Barred { by: Bar::Html, span }),
                Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => {
                    self.barred.push(Barred { by: Bar::Indentation, span });
                }
                Event::Start(Tag::Table(_)) => self.barred.push(Barred { by: Bar::Table, span }),
                Event::Start(Tag::Link { dest_url, .. }) => {
                    self.links.push(Link { target: dest_url.into_string(), span });
                }
                Event::Text(part) if fence.is_some() => {
                    if let Some(fence) = &mut fence {
                        fence.body.push(&part, span);
                    }
                }
                Event::Text(part) | Event::Code(part) => {
                    if let Some(heading) = &mut heading {
                        heading.text.push_str(&part);
                    }
                }
                Event::SoftBreak | Event::HardBreak => {
                    if let Some(heading) = &mut heading {
                        heading.text.push(' ');
                    }
                }
                _ => {}
            }
        }
        None
    }
}

fn number(level: HeadingLevel) -> u8 {
    level as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> (Fence, String) {
        let mut fences = Markdown::parse(text).fences;
        assert_eq!(fences.len(), 1, "{fences:?}");
        let fence = fences.remove(0);
        let info = text[fence.info.start..fence.info.end].to_owned();
        (fence, info)
    }

    #[test]
    fn a_fence_has_its_places() {
        let text = "# T\n\n```sh  {#x}  \necho a\necho b\n```\n\nend\n";
        let (fence, info) = only(text);
        assert_eq!(info, "sh  {#x}");
        assert_eq!(&text[fence.span.start..fence.span.end], "```sh  {#x}  \necho a\necho b\n```");
        assert_eq!(fence.body.text, "echo a\necho b\n");
        assert_eq!(&text[fence.body.locate(7)..][..6], "echo b");
        assert_eq!(fence.end, FenceEnd::Closed);
    }

    #[test]
    fn lists_and_quotations_are_taken_off() {
        for text in [
            "> ~~~sh\n> a\n>\n> b\n> ~~~\n",
            "- x\n\n  ```sh\n  a\n\n  b\n  ```\n",
            "   ```sh\n  a\n\n   b\n ```",
        ] {
            let (fence, info) = only(text);
            assert_eq!(
                (info.as_str(), fence.body.text.as_str(), fence.end),
                ("sh", "a\n\nb\n", FenceEnd::Closed)
            );
            let b = fence.body.locate_line(3);
            assert_eq!(&text[b.start..b.end], "b");
        }
    }

    #[test]
    fn line_breaks_of_windows_are_line_breaks() {
        let text = "```sh {#a}\r\nx\r\nyy\r\n```\r\n";
        let (fence, info) = only(text);
        assert_eq!(
            (info.as_str(), fence.body.text.as_str(), fence.end),
            ("sh {#a}", "x\nyy\n", FenceEnd::Closed)
        );
        let line = fence.body.locate_line(2);
        assert_eq!(&text[line.start..line.end], "yy");
    }

    #[test]
    fn a_fence_that_is_never_closed_is_seen() {
        let (fence, _) = only("```sh\nnever\n");
        assert_eq!(fence.end, FenceEnd::Never);
        let (fence, _) = only("````sh\nnever\n```\n\n");
        assert_eq!((fence.end, fence.body.text.as_str()), (FenceEnd::Never, "never\n```\n\n"));
        let (fence, _) = only("```sh");
        assert_eq!((fence.end, fence.body.text.as_str()), (FenceEnd::Never, ""));
    }

    #[test]
    fn a_forgotten_closing_line_does_not_swallow_the_next_fence() {
        let text = "```sh {#a}\none\n\nprose\n\n```sh {#b}\ntwo\n```\n\n# H\n";
        let found = Markdown::parse(text);
        assert_eq!(found.fences.len(), 2);
        assert_eq!(found.fences[0].end, FenceEnd::NextOpens(text.find("```sh {#b}").unwrap()));
        assert_eq!(found.fences[0].body.text, "one\n\nprose\n\n");
        assert_eq!((found.fences[1].body.text.as_str(), found.fences[1].end), ("two\n", FenceEnd::Closed));
        assert_eq!(&text[found.fences[1].span.start..found.fences[1].span.end], "```sh {#b}\ntwo\n```");
        assert_eq!(found.headings[0].span.start, text.find("# H").unwrap());
    }

    #[test]
    fn a_longer_fence_may_hold_a_shorter_one() {
        let (fence, _) = only("````md\n```sh {#b}\ntwo\n```\n````\n");
        assert_eq!(fence.end, FenceEnd::Closed);
    }

    #[test]
    fn headings_are_plain_text() {
        let found = Markdown::parse("A *b*\n=====\n\n## `c` & d\n\n[x](y.md#z) [r]\n\n[r]: q.md\n");
        let shown: Vec<_> = found.headings.iter().map(|h| (h.level, h.text.as_str())).collect();
        assert_eq!(shown, [(1, "A b"), (2, "c & d")]);
        assert_eq!(found.links.iter().map(|l| l.target.as_str()).collect::<Vec<_>>(), ["y.md#z", "q.md"]);
    }
}
