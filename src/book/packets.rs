//! Packets that were captured while a block ran: their form, and how a page shows them.
//!
//! Capturing and taking apart happens elsewhere. What a runner keeps with a record under the name [`Packets::RECORDED`]
//! is [`Packets`] as JSON on one line.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::html::Html;
use super::identity::Identities;
use super::names::Names;

mod sequence;

/// Captured packets in the order in which they were seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Packets(pub Vec<Packet>);

/// One packet as one host saw it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Packet {
    /// The host that saw it.
    pub host: String,
    /// Seconds since the first packet of the capture.
    pub at: f64,
    /// The address that it comes from: IP, or MAC where there is no IP (ARP).
    pub from: String,
    /// The address that it goes to.
    pub to: String,
    /// The port that it comes from, where the protocol has ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_port: Option<u16>,
    /// The port that it goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_port: Option<u16>,
    /// The highest protocol that was understood: `ARP`, `ICMP`, `TCP`, `UDP`, `DNS`, `HTTP`.
    pub protocol: String,
    /// Bytes on the wire.
    pub length: u32,
    /// What it says, in a few words: `SYN seq=0`, `echo request seq=1`, `who has 10.0.2.10?`.
    pub info: String,
}

impl Packets {
    /// The name under which a record keeps them.
    pub const RECORDED: &'static str = "packets";

    /// A table of all packets, and a sequence diagram for each host that captured.
    pub(super) fn html(&self, ids: &mut Identities, names: &Names) -> Html {
        let hosts = self.hosts();
        let mut html = Html::new();
        for host in &hosts {
            let packets: Vec<&Packet> = self.0.iter().filter(|packet| packet.host == **host).collect();
            let label = format!("{} packets as seen on {host}", packets.len());
            let caption = Html::element("figcaption", &[], Html::text(&format!("As seen on {host}")));
            let mut figure = caption;
            // The style sheet shows the one for which there is room.
            for (room, class) in
                [(sequence::WIDE, "lab-drawing lab-wide"), (sequence::NARROW, "lab-drawing lab-narrow")]
            {
                figure = figure.then(sequence::draw(&packets, room, names).svg(class, &label, ids, names));
            }
            html = html.and("figure", &[("class", "lab-figure")], figure);
        }
        let summary = Html::element("summary", &[], Html::text(&count(self.0.len())));
        html.and(
            "details",
            &[("class", "lab-fold lab-packets")],
            summary.then(self.table(hosts.len() > 1, ids, names)),
        )
    }

    /// The hosts in the order in which they appear.
    fn hosts(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        self.0.iter().map(|packet| packet.host.as_str()).filter(|host| seen.insert(*host)).collect()
    }

    fn table(&self, with_host: bool, ids: &mut Identities, names: &Names) -> Html {
        let heading = |text: &str| Html::element("th", &[], Html::text(text));
        let hidden = usize::from(!with_host);
        let columns = ["Seen on", "Time", "From", "To", "Protocol", "Bytes", "What it says"];
        let head = Html::element("tr", &[], columns[hidden..].iter().map(|text| heading(text)).collect());
        let mut body = Html::new();
        for packet in &self.0 {
            let cells = [
                Html::text(&packet.host),
                Html::text(&format!("{:.6}", packet.at)),
                ids.mark(&endpoint(&packet.from, packet.from_port), names),
                ids.mark(&endpoint(&packet.to, packet.to_port), names),
                Html::text(&packet.protocol),
                Html::text(&packet.length.to_string()),
                ids.mark(&packet.info, names),
            ];
            let cells = cells.into_iter().skip(hidden).map(|cell| Html::element("td", &[], cell)).collect();
            body = body.and("tr", &[], cells);
        }
        let table = Html::element("thead", &[], head).and("tbody", &[], body);
        Html::element("div", &[("class", "table-wrapper")], Html::element("table", &[], table))
    }
}

/// An address with its port.
fn endpoint(address: &str, port: Option<u16>) -> String {
    match port {
        Some(port) if address.contains(':') => format!("[{address}]:{port}"),
        Some(port) => format!("{address}:{port}"),
        None => address.to_owned(),
    }
}

fn count(packets: usize) -> String {
    if packets == 1 { "1 packet".to_owned() } else { format!("All {packets} packets") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_has_its_diagram_and_the_table_holds_all() {
        let json = r#"[
            {"host": "web", "at": 0.0, "from": "10.0.1.10", "to": "10.0.2.10", "from-port": 40000, "to-port": 80,
             "protocol": "TCP", "length": 74, "info": "SYN <seq=0>"},
            {"host": "db", "at": 0.0002, "from": "10.0.1.10", "to": "10.0.2.10", "protocol": "ICMP", "length": 98,
             "info": "echo request"}]"#;
        let packets: Packets = serde_json::from_str(json).unwrap();
        let html = packets.html(&mut Identities::default(), &Names::default()).into_string();
        assert_eq!(html.matches("<figure").count(), 2);
        assert_eq!(html.matches("<tr>").count(), 3);
        assert!(html.contains("<td>SYN &lt;seq=0&gt;</td>"), "{html}");
        assert!(html.contains("<th>Seen on</th>"));
        let one = Packets(packets.0[..1].to_vec())
            .html(&mut Identities::default(), &Names::default())
            .into_string();
        assert!(!one.contains("Seen on</th>") && one.contains("1 packet"), "{one}");
    }
}
