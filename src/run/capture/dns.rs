//! A DNS message in a few words: what is asked, and what is answered. Just enough of RFC 1035 for that.

use std::net::{Ipv4Addr, Ipv6Addr};

/// `query A example.com`, `answer A example.com: 192.0.2.1`, `answer A example.com: NXDOMAIN`. None for what is none.
pub(super) fn told(message: &[u8]) -> Option<String> {
    let word = |at: usize| message.get(at..at + 2).map(|two| u16::from_be_bytes([two[0], two[1]]));
    let (flags, questions, answers) = (word(2)?, word(4)?, word(6)?);
    if questions != 1 {
        return None;
    }
    let (name, mut at) = name(message, 12)?;
    let asked = format!("{} {name}", kind(word(at)?));
    at += 4;
    if flags & 0x8000 == 0 {
        return Some(format!("query {asked}"));
    }
    let mut found = Vec::new();
    for _ in 0..answers {
        let (_, after) = self::name(message, at)?;
        let length = usize::from(word(after + 8)?);
        let data = after + 10;
        found.push(value(message, word(after)?, data, length)?);
        at = data + length;
    }
    let code = match flags & 0xf {
        0 if found.is_empty() => "nothing".to_owned(),
        0 => found.join(", "),
        2 => "SERVFAIL".to_owned(),
        3 => "NXDOMAIN".to_owned(),
        5 => "REFUSED".to_owned(),
        other => format!("code {other}"),
    };
    Some(format!("answer {asked}: {code}"))
}

fn kind(number: u16) -> String {
    match number {
        1 => "A".to_owned(),
        2 => "NS".to_owned(),
        5 => "CNAME".to_owned(),
        6 => "SOA".to_owned(),
        12 => "PTR".to_owned(),
        15 => "MX".to_owned(),
        16 => "TXT".to_owned(),
        28 => "AAAA".to_owned(),
        65 => "HTTPS".to_owned(),
        other => format!("TYPE{other}"),
    }
}

fn value(message: &[u8], number: u16, at: usize, length: usize) -> Option<String> {
    let data = message.get(at..at + length)?;
    Some(match number {
        1 => Ipv4Addr::from(<[u8; 4]>::try_from(data).ok()?).to_string(),
        28 => Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?).to_string(),
        2 | 5 | 12 => name(message, at)?.0,
        other => kind(other),
    })
}

/// A name, with where the next thing begins. Names may go on elsewhere, where names before them stand.
fn name(message: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut end = None;
    // Each jump goes back, in a message that is no attack; and no name is longer.
    for _ in 0..128 {
        let length = usize::from(*message.get(at)?);
        match length {
            0 => {
                let text = if text.is_empty() { ".".to_owned() } else { text };
                return Some((text, end.unwrap_or(at + 1)));
            }
            0xc0.. => {
                end = end.or(Some(at + 2));
                at = (length & 0x3f) << 8 | usize::from(*message.get(at + 1)?);
            }
            _ => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&String::from_utf8_lossy(message.get(at + 1..at + 1 + length)?));
                at += 1 + length;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: &[u8] = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x03www\x07example\0\0\x01\0\x01";

    #[test]
    fn questions_and_answers() {
        assert_eq!(told(QUESTION).as_deref(), Some("query A www.example"));
        let mut answer = QUESTION.to_vec();
        answer[2] = 0x81;
        answer[7] = 1;
        answer.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01");
        assert_eq!(told(&answer).as_deref(), Some("answer A www.example: 192.0.2.1"));
        assert_eq!(told(&answer[..answer.len() - 1]), None, "cut off");
        answer.truncate(QUESTION.len());
        answer[7] = 0;
        answer[3] = 3;
        assert_eq!(told(&answer).as_deref(), Some("answer A www.example: NXDOMAIN"));
    }

    #[test]
    fn a_name_that_points_to_itself_ends() {
        let mut message = QUESTION.to_vec();
        message[12..14].copy_from_slice(b"\xc0\x0c");
        assert_eq!(told(&message), None);
    }
}
