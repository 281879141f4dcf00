//! The file that `tcpdump` writes: a header, and for each packet its time, its length, and its bytes.
//!
//! The classic format in either byte order, with Ethernet frames. What is inside of frames is not looked at here.

use std::time::Duration;

/// How long the file's header is, in bytes.
pub(super) const HEADER: usize = 24;
/// Before each packet.
const RECORD: usize = 16;
const ETHERNET: u32 = 1;

/// Whether this begins as such a file does.
pub(super) fn is_one(file: &[u8]) -> bool {
    file.len() >= HEADER && order(file).is_some()
}

/// Reads a number in the file's byte order.
type Number = fn([u8; 4]) -> u32;

/// Byte order, and how many parts of a second its times count.
fn order(file: &[u8]) -> Option<(Number, u32)> {
    match file.first_chunk()? {
        [0xd4, 0xc3, 0xb2, 0xa1] => Some((u32::from_le_bytes, 1_000_000)),
        [0xa1, 0xb2, 0xc3, 0xd4] => Some((u32::from_be_bytes, 1_000_000)),
        [0x4d, 0x3c, 0xb2, 0xa1] => Some((u32::from_le_bytes, 1_000_000_000)),
        [0xa1, 0xb2, 0x3c, 0x4d] => Some((u32::from_be_bytes, 1_000_000_000)),
        _ => None,
    }
}

/// Time since 1970, bytes on the wire, and what was kept of a packet.
pub(super) type Kept = (Duration, u32, Vec<u8>);

/// The packets of a file. One that was cut off at the end is left out.
pub(super) fn packets(file: &[u8]) -> Result<Vec<Kept>, &'static str> {
    let (number, parts) = order(file).filter(|_| file.len() >= HEADER).ok_or("tcpdump wrote no packets")?;
    let field = |bytes: &[u8], at: usize| bytes[at..].first_chunk().map_or(0, |four| number(*four));
    if field(file, 20) != ETHERNET {
        return Err("its interface is no Ethernet");
    }
    let mut found = Vec::new();
    let mut rest = &file[HEADER..];
    while let Some((record, after)) = rest.split_at_checked(RECORD) {
        let kept = usize::try_from(field(record, 8)).unwrap_or(usize::MAX);
        let Some((bytes, after)) = after.split_at_checked(kept) else { break };
        let nanoseconds = field(record, 4) % parts * (1_000_000_000 / parts);
        let at = Duration::new(u64::from(field(record, 0)), nanoseconds);
        found.push((at, field(record, 12), bytes.to_vec()));
        rest = after;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(magic: u32, numbers: fn(u32) -> [u8; 4]) -> Vec<u8> {
        let header = [magic, 0x0004_0002, 0, 0, 65_535, ETHERNET];
        let record = [1_700_000_000, 250_000, 3, 60];
        let mut file: Vec<u8> = header.into_iter().chain(record).flat_map(numbers).collect();
        file.extend(b"abc");
        file
    }

    #[test]
    fn either_byte_order_and_a_torn_end() {
        for numbers in [u32::to_le_bytes, u32::to_be_bytes] {
            let mut file = file(0xa1b2_c3d4, numbers);
            let expected = vec![(Duration::new(1_700_000_000, 250_000_000), 60, b"abc".to_vec())];
            assert!(is_one(&file));
            assert_eq!(packets(&file).expect("packets"), expected);
            file.extend([0; 20]);
            file.extend([1, 2, 3]);
            let torn = file.len() - 27;
            assert_eq!(packets(&file[..torn]).expect("packets").len(), 0);
        }
        assert!(!is_one(b"tcpdump: syntax error in filter"));
        assert!(packets(b"").is_err());
    }
}
