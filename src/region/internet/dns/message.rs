//! One question in DNS's wire format, and its answer.

use simple_dns::rdata::{A, OPT, PTR, RData, SOA};
use simple_dns::{
    CLASS, Name, OPCODE, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord, TYPE,
    header_buffer,
};

use super::zones::{Authority, Data, Finding, Record, Zones};

/// How large an answer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// 512 bytes, or what the asker says; what is longer is cut and marked.
    Datagram,
    Stream,
}

/// The largest datagram that we send: nothing of it is cut in pieces on the way.
const LARGEST: u16 = 1232;
const PLAIN: u16 = 512;
const HEADER: usize = 12;

/// The answer to a message; none if it is no question. `zones` is called when a name has to be looked up.
pub(super) fn answer(
    question: &[u8],
    transport: Transport,
    zones: impl FnOnce() -> Zones,
) -> Option<Vec<u8>> {
    if question.len() < HEADER || header_buffer::has_flags(question, PacketFlag::RESPONSE).ok()? {
        return None;
    }
    let id = header_buffer::id(question).ok()?;
    let Ok(asked) = Packet::parse(question) else {
        return finish(refusal(id, RCODE::FormatError), transport, PLAIN);
    };
    let mut reply = Packet::new_reply(id);
    *reply.opcode_mut() = asked.opcode();
    reply.set_flags(PacketFlag::RECURSION_AVAILABLE);
    if asked.has_flags(PacketFlag::RECURSION_DESIRED) {
        reply.set_flags(PacketFlag::RECURSION_DESIRED);
    }
    let mut room = PLAIN;
    if let Some(theirs) = asked.opt() {
        room = theirs.udp_packet_size.clamp(PLAIN, LARGEST);
        *reply.opt_mut() = Some(OPT { opt_codes: Vec::new(), udp_packet_size: LARGEST, version: 0 });
        if theirs.version != 0 {
            *reply.rcode_mut() = RCODE::BADVERS;
            return finish(reply, transport, room);
        }
    }
    match asked.questions.as_slice() {
        _ if asked.opcode() != OPCODE::StandardQuery => *reply.rcode_mut() = RCODE::NotImplemented,
        [one] => {
            reply.questions.push(one.clone());
            resolve(&mut reply, one, &zones());
        }
        _ => *reply.rcode_mut() = RCODE::FormatError,
    }
    finish(reply, transport, room)
}

fn refusal(id: u16, code: RCODE) -> Packet<'static> {
    let mut reply = Packet::new_reply(id);
    *reply.rcode_mut() = code;
    reply
}

fn resolve(reply: &mut Packet<'_>, question: &Question<'_>, zones: &Zones) {
    if !matches!(question.qclass, QCLASS::CLASS(CLASS::IN) | QCLASS::ANY) {
        *reply.rcode_mut() = RCODE::Refused;
        return;
    }
    if matches!(question.qtype, QTYPE::AXFR | QTYPE::IXFR) {
        *reply.rcode_mut() = RCODE::Refused;
        return;
    }
    let name = question.qname.to_string().to_ascii_lowercase();
    let authority = zones.authority(&name);
    // The name is written as it was asked for, so that it is found again in the question.
    let mut add = |ttl, data| {
        reply.answers.push(ResourceRecord::new(question.qname.clone().into_owned(), CLASS::IN, ttl, data));
    };
    match zones.find(&name) {
        Finding::Exists(records) => {
            for record in records {
                add_if_asked(question.qtype, record, &mut add);
            }
            if let Some(own) = authority.filter(|zone| zone.apex == name)
                && matches!(question.qtype, QTYPE::TYPE(TYPE::SOA) | QTYPE::ANY)
            {
                add(own.minimum, start_of(own));
            }
        }
        Finding::Missing => *reply.rcode_mut() = RCODE::NameError,
    }
    // A "no" says who says so and how long it may be remembered (RFC 2308).
    if let Some(zone) = authority.filter(|_| reply.answers.is_empty()) {
        let record = ResourceRecord::new(owned(&zone.apex), CLASS::IN, zone.minimum, start_of(zone));
        reply.name_servers.push(record);
    }
}

fn add_if_asked(asked: QTYPE, record: &Record, add: &mut impl FnMut(u32, RData<'static>)) {
    match (&record.data, asked) {
        (Data::Address(ip), QTYPE::TYPE(TYPE::A) | QTYPE::ANY) => {
            add(record.ttl, RData::A(A { address: ip.to_bits() }));
        }
        (Data::Pointer(name), QTYPE::TYPE(TYPE::PTR) | QTYPE::ANY) => {
            add(record.ttl, RData::PTR(PTR(owned(name))));
        }
        _ => {}
    }
}

fn start_of(zone: &Authority) -> RData<'static> {
    let signed = |seconds: u32| i32::try_from(seconds).unwrap_or(i32::MAX);
    RData::SOA(SOA {
        mname: owned(&zone.server),
        rname: owned(&zone.mailbox),
        serial: zone.serial,
        refresh: signed(zone.refresh),
        retry: signed(zone.retry),
        expire: signed(zone.expire),
        minimum: zone.minimum,
    })
}

fn owned(name: &str) -> Name<'static> {
    Name::new_unchecked(name).into_owned()
}

fn finish(mut reply: Packet<'_>, transport: Transport, room: u16) -> Option<Vec<u8>> {
    let bytes = reply.build_bytes_vec_compressed().ok()?;
    if transport == Transport::Stream || bytes.len() <= usize::from(room) {
        return Some(bytes);
    }
    reply.set_flags(PacketFlag::TRUNCATION);
    reply.answers.clear();
    reply.name_servers.clear();
    reply.build_bytes_vec_compressed().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones() -> Zones {
        let mut zones = Zones::default();
        zones.set("example.com", 300, Data::Address([192, 0, 2, 70].into()));
        zones.set("70.2.0.192.in-addr.arpa", 300, Data::Pointer("example.com".to_owned()));
        for apex in ["", "example.com"] {
            zones.add_authority(Authority {
                apex: apex.to_owned(),
                server: "ns".to_owned(),
                mailbox: "who.example.com".to_owned(),
                serial: 7,
                refresh: 1,
                retry: 2,
                expire: 3,
                minimum: 60,
            });
        }
        zones
    }

    fn query(name: &str, kind: QTYPE) -> Packet<'_> {
        let mut packet = Packet::new_query(0x1234);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        packet.questions.push(Question::new(Name::new(name).unwrap(), kind, CLASS::IN.into(), false));
        packet
    }

    /// Asks over UDP; code, answers and authority as text.
    fn ask(name: &str, kind: impl Into<QTYPE>) -> (RCODE, Vec<String>, Vec<String>) {
        let question = query(name, kind.into()).build_bytes_vec().unwrap();
        let bytes = answer(&question, Transport::Datagram, zones).unwrap();
        let reply = Packet::parse(&bytes).unwrap();
        assert_eq!(reply.id(), 0x1234);
        assert!(reply.has_flags(
            PacketFlag::RESPONSE | PacketFlag::RECURSION_AVAILABLE | PacketFlag::RECURSION_DESIRED
        ));
        assert!(!reply.has_flags(PacketFlag::AUTHORITATIVE_ANSWER));
        let show = |records: &[ResourceRecord<'_>]| {
            records
                .iter()
                .map(|record| format!("{} {} {}", record.name, record.ttl, text(&record.rdata)))
                .collect()
        };
        (reply.rcode(), show(&reply.answers), show(&reply.name_servers))
    }

    fn text(data: &RData<'_>) -> String {
        match data {
            RData::A(a) => std::net::Ipv4Addr::from_bits(a.address).to_string(),
            RData::PTR(name) => name.0.to_string(),
            RData::SOA(soa) => format!("{} {} {}", soa.mname, soa.rname, soa.minimum),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn addresses_and_names_are_found_in_the_case_they_were_asked_in() {
        assert_eq!(
            ask("Example.COM", TYPE::A),
            (RCODE::NoError, vec!["Example.COM 300 192.0.2.70".into()], vec![])
        );
        let pointer = vec!["70.2.0.192.in-addr.arpa 300 example.com".to_owned()];
        assert_eq!(ask("70.2.0.192.in-addr.arpa", TYPE::PTR), (RCODE::NoError, pointer, vec![]));
    }

    #[test]
    fn a_no_carries_the_zones_authority() {
        let example = vec!["example.com 60 ns who.example.com 60".to_owned()];
        assert_eq!(ask("example.com", TYPE::AAAA), (RCODE::NoError, vec![], example.clone()));
        assert_eq!(ask("nowhere.example.com", TYPE::A), (RCODE::NameError, vec![], example));
        assert_eq!(
            ask("nowhere.test", TYPE::A),
            (RCODE::NameError, vec![], vec![" 60 ns who.example.com 60".into()])
        );
    }

    #[test]
    fn zones_are_not_handed_out_and_other_classes_refused() {
        assert_eq!(ask("example.com", QTYPE::AXFR).0, RCODE::Refused);
        let mut chaos = query("version.bind", TYPE::TXT.into());
        chaos.questions[0].qclass = CLASS::CH.into();
        let bytes = answer(&chaos.build_bytes_vec().unwrap(), Transport::Stream, zones).unwrap();
        assert_eq!(Packet::parse(&bytes).unwrap().rcode(), RCODE::Refused);
    }

    #[test]
    fn what_is_no_question_gets_no_answer_and_what_is_broken_an_error() {
        assert_eq!(answer(b"short", Transport::Stream, zones), None);
        let answered = query("example.com", TYPE::A.into()).into_reply().build_bytes_vec().unwrap();
        assert_eq!(answer(&answered, Transport::Stream, zones), None);
        let mut cut = query("example.com", TYPE::A.into()).build_bytes_vec().unwrap();
        cut.truncate(20);
        let bytes = answer(&cut, Transport::Stream, zones).unwrap();
        assert_eq!(Packet::parse(&bytes).unwrap().rcode(), RCODE::FormatError);
    }

    #[test]
    fn an_asker_who_speaks_edns_hears_it() {
        let mut question = query("example.com", TYPE::A.into());
        *question.opt_mut() = Some(OPT { opt_codes: vec![], udp_packet_size: 4096, version: 0 });
        let bytes = answer(&question.build_bytes_vec().unwrap(), Transport::Datagram, zones).unwrap();
        let reply = Packet::parse(&bytes).unwrap();
        assert_eq!(reply.opt().map(|opt| (opt.udp_packet_size, opt.version)), Some((LARGEST, 0)));
        assert_eq!(reply.answers.len(), 1);
    }
}
