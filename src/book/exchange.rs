//! HTTP exchanges: the request as it goes out, the answer with its status line, headers and body told apart.

use super::html::Html;
use super::identity::Identities;
use super::names::Names;
use super::output::Shown;
use super::page::Page;
use crate::lesson::{Part, Request, Show, Template};
use crate::snapshot::Record;

/// The request: request line, headers, body.
pub(super) fn request(request: &Request, page: &mut Page<'_>) -> Html {
    let method = Html::labelled("span", "lab-program", request.method.as_str());
    let mut html = method.and_text(" ").then(template(&request.url, "", page));
    for (name, value) in &request.headers {
        html = html.and_text("\n").then(Html::labelled("span", "lab-option", name)).and_text(": ");
        html = html.then(template(value, &format!("{name}: "), page));
    }
    let body = template(&request.body, "", page);
    if !body.is_empty() {
        html = html.and_text("\n\n").then(body);
    }
    let code = Html::element("code", &[("class", "nohighlight")], html);
    Html::element("pre", &[("class", "lab-typed")], code)
}

/// `before` is what stands before it on its line, which may say that it is a secret.
fn template(template: &Template, before: &str, page: &mut Page<'_>) -> Html {
    let mut html = Html::new();
    for part in template.parts() {
        html = html.then(match part {
            Part::Text(text) => {
                let whole = page.secrets.mask_typed(&format!("{before}{text}"));
                let masked =
                    whole.strip_prefix(before).map_or_else(|| page.secrets.mask_typed(text), str::to_owned);
                page.ids.mark(&masked, page.names)
            }
            Part::Variable(name) => {
                let text = format!("${name}");
                let value = page.values.get(name.as_str());
                let marked = value.and_then(|value| page.ids.mark_as(&text, value, page.names));
                marked.unwrap_or_else(|| Html::labelled("span", "lab-var", &text))
            }
        });
    }
    html
}

/// The answer as recorded: a status line, header lines, an empty line, and the page's title or body.
pub(super) fn response(record: &Record, show: Show, names: &Names, ids: &mut Identities) -> Html {
    let (head, body) = split(&record.output);
    let mut html = Html::new();
    if !head.is_empty() {
        let mut lines = Html::new();
        for (index, line) in head.lines().enumerate() {
            // After a redirect that was followed, the next answer's head begins.
            let begins = line.starts_with("HTTP/");
            let space = if index == 0 {
                ""
            } else if begins {
                "\n\n"
            } else {
                "\n"
            };
            let line = match line.split_once(": ") {
                _ if begins => Html::labelled("strong", status_class(line), line),
                Some((name, value)) => {
                    Html::labelled("span", "lab-option", name).and_text(": ").then(ids.mark(value, names))
                }
                None => ids.mark(line, names),
            };
            let line = Html::text(space).then(line);
            lines = lines.then(line);
        }
        html = html.and("pre", &[("class", "lab-output lab-headers")], Html::element("samp", &[], lines));
    }
    html.then(Shown::new(body, show).html(ids, names))
}

/// A page's picture in words.
pub(super) fn alt(record: &Record) -> String {
    let (_, body) = split(&record.output);
    match body.lines().next().and_then(|line| line.strip_prefix("Title: ")) {
        Some(title) => format!("The page “{title}” in a browser"),
        None => "The page in a browser".to_owned(),
    }
}

/// Head and body; all is body when the text begins with no status line.
fn split(output: &str) -> (&str, &str) {
    if !output.starts_with("HTTP/") {
        return ("", output);
    }
    output.split_once("\n\n").unwrap_or((output, ""))
}

fn status_class(line: &str) -> &'static str {
    match line.split(' ').nth(1).and_then(|status| status.bytes().next()) {
        Some(b'2') => "lab-ok",
        Some(b'4' | b'5') => "lab-wrong",
        _ => "lab-as-expected",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(output: &str) -> String {
        let record = Record { output: output.to_owned(), ..Record::default() };
        response(&record, Show::All, &Names::default(), &mut Identities::default()).into_string()
    }

    #[test]
    fn head_and_body_are_told_apart_and_escaped() {
        let html = shown("HTTP/1.1 404 Not Found\nServer: <x>\nX\n\n<h1>Not Found</h1>\n\nbye");
        assert!(html.contains(r#"<strong class="lab-wrong">HTTP/1.1 404 Not Found</strong>"#), "{html}");
        assert!(html.contains(r#"<span class="lab-option">Server</span>: &lt;x&gt;&#10;X</samp>"#), "{html}");
        assert!(html.contains("<samp>&lt;h1&gt;Not Found&lt;/h1&gt;&#10;&#10;bye</samp>"), "{html}");
        let html = shown("HTTP/1.1 302 Found\nLocation: /b\nHTTP/1.1 200 OK\nServer: x\n\nbody");
        assert!(html.contains(r#"/b&#10;&#10;<strong class="lab-ok">HTTP/1.1 200 OK</strong>"#), "{html}");
        assert_eq!(shown("no head\n\nat all").matches("<pre").count(), 1);
    }
}
