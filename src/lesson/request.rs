//! The lines of an `http` fence taken apart into a request.

use crate::diagnostic::did_you_mean;
use crate::lesson::body::Body;
use crate::lesson::fence::Fence;
use crate::lesson::http::{Method, Request};
use crate::lesson::problems::Problems;
use crate::lesson::template::{Part, Template};
use crate::name::VarName;
use crate::source::Span;

/// The request in `fence`: `METHOD URL`, header lines, an empty line, a body.
pub(crate) fn request(fence: &Fence, problems: &mut Problems<'_>) -> Request {
    let text = fence.body.text.as_str();
    let mut reader = Reader { body: &fence.body, problems };
    let mut lines = lines(text);
    let mut request = Request {
        method: Method::Get,
        url: Template::default(),
        headers: Vec::new(),
        body: Template::default(),
    };
    let Some(first) = lines.find(|line| !text[line.start..line.end].trim().is_empty()) else {
        let opening = Span::new(fence.span.start, fence.info.end);
        reader
            .problems
            .error("empty-block", opening, "there is no request in this block")
            .help("begin with a line such as `GET http://$WEB/`");
        return request;
    };
    (request.method, request.url) = reader.request_line(text, first);
    for line in lines.by_ref() {
        let own = &text[line.start..line.end];
        if own.trim().is_empty() {
            let body = text[line.end..].trim_start_matches('\r').strip_prefix('\n').unwrap_or_default();
            let start = text.len() - body.len();
            request.body = reader.template(body.trim_end_matches('\n'), start);
            break;
        }
        if let Some(header) = reader.header(own, line.start) {
            request.headers.push(header);
        }
    }
    request
}

fn lines(text: &str) -> impl Iterator<Item = Span> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some(Span::new(start, start + line.trim_end_matches(['\n', '\r']).len()))
    })
}

struct Reader<'a, 'p, 's> {
    body: &'a Body,
    problems: &'p mut Problems<'s>,
}

impl Reader<'_, '_, '_> {
    fn request_line(&mut self, text: &str, line: Span) -> (Method, Template) {
        let own = &text[line.start..line.end];
        let mut words = own.split_whitespace();
        let place = |word: &str| {
            // A word is a part of its line.
            let at = word.as_ptr() as usize - own.as_ptr() as usize;
            Span::new(line.start + at, line.start + at + word.len())
        };
        let first = words.next().unwrap_or_default();
        let method = Method::ALL.into_iter().find(|method| method.as_str() == first);
        let looks_like_url = first.contains("://");
        if method.is_none() {
            let known = Method::ALL.map(Method::as_str);
            let upper = known.iter().find(|known| known.eq_ignore_ascii_case(first));
            let help = upper.map(|known| format!("write `{known}`")).or_else(|| did_you_mean(first, known));
            let message = if looks_like_url {
                "a request begins with its method".to_owned()
            } else {
                format!("there is no method `{first}`")
            };
            self.problems
                .error("bad-request", self.body.locate_span(place(first)), message)
                .help(if looks_like_url {
                    format!("write `GET {first}`")
                } else {
                    "begin with a line such as `GET http://$WEB/`".to_owned()
                })
                .maybe_help(help);
        }
        let url = if looks_like_url { Some(first) } else { words.next() };
        let Some(url) = url else {
            self.problems
                .error("bad-request", self.body.locate_span(line), "there is no address in this request")
                .help(format!("write `{first} http://$WEB/`"));
            return (method.unwrap_or(Method::Get), Template::default());
        };
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            self.problems
                .error(
                    "bad-request",
                    self.body.locate_span(place(url)),
                    format!("`{url}` is not a whole address"),
                )
                .help(format!("write `http://{}{url}`", if url.starts_with('/') { "$WEB" } else { "" }));
        }
        for word in words {
            let span = self.body.locate_span(place(word));
            let message = format!("`{word}` stands after the address");
            let help = if word.starts_with("HTTP/") {
                "leave it out: the protocol is chosen as a browser does"
            } else {
                "write `%20` for a space in an address"
            };
            self.problems.error("bad-request", span, message).help(help);
        }
        (method.unwrap_or(Method::Get), self.template(url, place(url).start))
    }

    fn header(&mut self, line: &str, start: usize) -> Option<(String, Template)> {
        let whole = Span::new(start, start + line.len());
        let name = line.split(':').next().unwrap_or_default();
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.len() == line.len() || name.is_empty() || !name.chars().all(token) {
            self.problems
                .error("bad-request", self.body.locate_span(whole), "this is not a header line")
                .help("write `Name: value`; an empty line comes before the body");
            return None;
        }
        let value = line[name.len() + 1..].trim();
        let at = start + name.len() + 1 + line[name.len() + 1..].find(value).unwrap_or(0);
        Some((name.to_owned(), self.template(value, at)))
    }

    /// `text`, which begins at `start` in the body.
    fn template(&mut self, text: &str, start: usize) -> Template {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            plain.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let place = start + text.len() - rest.len() + at;
            let name_length = |text: &str| {
                text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
            };
            let (name, length) = match after.chars().next() {
                Some('{') => {
                    let name = &after[1..1 + name_length(&after[1..])];
                    let closed = after[1 + name.len()..].starts_with('}');
                    if !closed || VarName::new(name).is_err() {
                        let span = self.body.locate_span(Span::new(place, place + 2 + name.len()));
                        self.problems
                            .error("bad-variable", span, "this is not a variable")
                            .help("write `${NAME}`; `$$` is a dollar sign");
                    }
                    (if closed { name } else { "" }, 2 + name.len() + usize::from(closed))
                }
                Some('$') => {
                    plain.push('$');
                    ("", 2)
                }
                _ => {
                    let name = &after[..name_length(after)];
                    if VarName::new(name).is_err() {
                        plain.push('$');
                        ("", 1)
                    } else {
                        (name, 1 + name.len())
                    }
                }
            };
            if let Ok(name) = VarName::new(name) {
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Variable(name));
            }
            rest = &rest[at + length..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Template { parts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::markdown::Markdown;
    use crate::source::SourceText;

    fn parse(body: &str) -> (Request, Vec<String>) {
        let source = SourceText::new("l.md", format!("```http {{#x}}\n{body}\n```\n"));
        let mut problems = Problems::new(&source);
        let fence = Markdown::parse(source.text()).fences.remove(0);
        let request = request(&fence, &mut problems);
        let shown = |span: Option<Span>| source.slice(span.unwrap_or_default()).to_owned();
        (request, problems.into_diagnostics().into_iter().map(|d| shown(d.span)).collect())
    }

    #[test]
    fn a_whole_request() {
        let (request, problems) =
            parse("POST http://$WEB:${PORT}/a?b=$$1\nHost: $WEB\nAccept:*/*\n\nname=$NAME&price=5$\n\nlast");
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(request.method, Method::Post);
        let value = |name: &VarName| Some(format!("<{name}>"));
        assert_eq!(request.url.expand(value).unwrap(), "http://<WEB>:<PORT>/a?b=$1");
        assert_eq!(request.headers[1].0, "Accept");
        assert_eq!(request.headers[0].1.expand(value).unwrap(), "<WEB>");
        assert_eq!(request.body.expand(value).unwrap(), "name=<NAME>&price=5$\n\nlast");
        assert_eq!(request.url.expand(|_| None).unwrap_err(), "WEB");
    }

    #[test]
    fn slips_are_shown_where_they_are() {
        for (body, at) in [
            ("get http://x/", "get"),
            ("GTE http://x/", "GTE"),
            ("http://x/", "http://x/"),
            ("GET", "GET"),
            ("GET /index.html", "/index.html"),
            ("GET http://x/ HTTP/1.1", "HTTP/1.1"),
            ("GET http://x/\nno header", "no header"),
            ("GET http://${WEB/", "${WEB"),
        ] {
            assert_eq!(parse(body).1, [at], "{body}");
        }
        assert!(parse("GET http://x/").1.is_empty());
        assert_eq!(parse("").1, ["```http {#x}"]);
    }
}
