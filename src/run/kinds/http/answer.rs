//! An answer taken apart: heads and body, and what of it is worth recording.

use std::sync::LazyLock;

use regex::Regex;

/// The headers that are recorded, as far as an answer has them. The rest is about transport, or changes with every
/// answer.
const RECORDED: [&str; 8] = [
    "server",
    "location",
    "content-type",
    "content-language",
    "set-cookie",
    "www-authenticate",
    "retry-after",
    "allow",
];
/// The longest body that is recorded, in bytes.
const LONGEST: usize = 16 * 1024;

static TITLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?is)<title[^>]*>(.*?)</title>").expect("a valid expression"));

/// What `curl --include` prints.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    /// Of each answer: the status line, and header lines. Interim answers are left out.
    pub heads: Vec<Vec<String>>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn parse(raw: &[u8]) -> Self {
        let mut answer = Self::default();
        let mut rest = raw;
        while rest.starts_with(b"HTTP/") {
            let end = rest.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(rest.len());
            let head = String::from_utf8_lossy(&rest[..end]);
            let lines: Vec<String> = head.lines().map(str::to_owned).collect();
            if !lines[0].split(' ').nth(1).is_some_and(|status| status.starts_with('1')) {
                answer.heads.push(lines);
            }
            rest = rest.get(end + 4..).unwrap_or_default();
            // The bodies of redirects are not printed, so that what begins like a head after one is one.
            let redirected = answer
                .heads
                .last()
                .is_some_and(|head| head[0].split(' ').nth(1).is_some_and(|status| status.starts_with('3')));
            if !redirected && !answer.heads.is_empty() {
                break;
            }
        }
        answer.body = rest.to_vec();
        answer
    }

    /// A header of the last answer.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.heads.last()?.iter().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    /// What is recorded: heads, an empty line, and the page's title or the body.
    pub fn told(&self) -> String {
        let mut text = String::new();
        for head in &self.heads {
            text.push_str(&format!("{}\n", head[0].trim_end()));
            let recorded = |line: &&String| {
                line.split_once(':')
                    .is_some_and(|(name, _)| RECORDED.contains(&name.to_ascii_lowercase().as_str()))
            };
            head.iter()
                .skip(1)
                .filter(recorded)
                .for_each(|line| text.push_str(&format!("{}\n", line.trim_end())));
        }
        if !self.body.is_empty() {
            text.push_str(&format!("\n{}\n", self.told_body().trim_end()));
        }
        text
    }

    fn told_body(&self) -> String {
        let kind = self.header("content-type").unwrap_or_default().to_ascii_lowercase();
        let Ok(body) = std::str::from_utf8(&self.body) else {
            return format!("[{} bytes of {kind}]", self.body.len());
        };
        if kind.starts_with("text/html")
            && let Some(title) = TITLE.captures(body)
        {
            let words: Vec<&str> = title[1].split_whitespace().collect();
            return format!("Title: {}", unescaped(&words.join(" ")));
        }
        if body.len() <= LONGEST {
            return body.to_owned();
        }
        let end = (0..=LONGEST).rev().find(|end| body.is_char_boundary(*end)).unwrap_or_default();
        format!("{}\n[{} more bytes]", &body[..end], body.len() - end)
    }
}

/// Characters as people read them; the references that titles are made with.
fn unescaped(text: &str) -> String {
    let mut text = text.to_owned();
    for (reference, is) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#039;", "'"),
        ("&#8211;", "–"),
        ("&#8212;", "—"),
        ("&#8217;", "’"),
        ("&lsaquo;", "‹"),
        ("&rsaquo;", "›"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ] {
        text = text.replace(reference, is);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_told_by_its_title_and_anything_else_by_its_body() {
        let page = "HTTP/1.1 200 OK\r\nDate: now\r\nServer: Apache/2.4.68 (Debian)\r\nContent-Type: text/html\r\n\r\n\
                    <html><TITLE>\n A &amp; B\n</TITLE>";
        assert_eq!(
            Answer::parse(page.as_bytes()).told(),
            "HTTP/1.1 200 OK\nServer: Apache/2.4.68 (Debian)\nContent-Type: text/html\n\nTitle: A & B\n"
        );
        let json = "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n\r\n{\"a\": 1}\n";
        assert_eq!(
            Answer::parse(json.as_bytes()).told(),
            "HTTP/1.1 404 Not Found\nContent-Type: application/json\n\n{\"a\": 1}\n"
        );
        assert_eq!(Answer::parse(b"HTTP/1.1 204 No Content\r\n\r\n").told(), "HTTP/1.1 204 No Content\n");
        let picture = b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n\r\n\x89PNG";
        assert!(Answer::parse(picture).told().ends_with("[4 bytes of image/png]\n"));
    }

    #[test]
    fn redirects_that_were_followed_are_told_in_order() {
        let raw = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n\
                   HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nHTTP/1.1 is what this text begins with";
        let answer = Answer::parse(raw.as_bytes());
        assert_eq!(answer.heads.len(), 2);
        assert_eq!(
            answer.told(),
            "HTTP/1.1 302 Found\nLocation: /b\nHTTP/1.1 200 OK\nContent-Type: text/plain\n\n\
             HTTP/1.1 is what this text begins with\n"
        );
    }
}
