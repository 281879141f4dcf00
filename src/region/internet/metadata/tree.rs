//! Everything that an instance can learn about itself, as a tree of texts.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

use crate::region::model::{Instance, NetworkInterface, Region, private_dns_name, public_dns_name, zones};

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Text(Vec<u8>),
    /// By name; listed in this order.
    Directory(BTreeMap<String, Node>),
}

/// The whole tree of an instance, with `latest` (and the numbered versions, which are the same here) at the top.
pub(super) fn of(account: &str, region_name: &str, region: &Region, instance: &Instance) -> Node {
    let about = About { account, region_name, region, instance };
    let mut root = Builder::default();
    about.meta_data(&mut root);
    let identity = about.identity_document();
    root.text("dynamic/instance-identity/document", identity);
    if let Some(user_data) = &instance.user_data {
        let packed: String = user_data.split_whitespace().collect();
        root.put("user-data", Node::Text(BASE64.decode(&packed).unwrap_or_else(|_| packed.into_bytes())));
    }
    root.0
}

/// Looks up a path below a version: `meta-data/placement/`. A directory is found with and without its slash.
pub(super) fn look_up<'a>(root: &'a Node, path: &str) -> Option<&'a Node> {
    path.split('/').filter(|part| !part.is_empty()).try_fold(root, |node, part| match node {
        Node::Directory(entries) => entries.get(part),
        Node::Text(_) => None,
    })
}

/// A directory as the service prints it: a name a line, directories with a slash, no end of line.
pub(super) fn listing(entries: &BTreeMap<String, Node>) -> String {
    let lines = entries.iter().map(|(name, node)| match node {
        Node::Directory(_) => format!("{name}/"),
        Node::Text(_) => name.clone(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Grows a tree by paths.
struct Builder(Node);

impl Default for Builder {
    fn default() -> Self {
        Builder(Node::Directory(BTreeMap::new()))
    }
}

impl Builder {
    fn put(&mut self, path: &str, leaf: Node) {
        let mut node = &mut self.0;
        for part in path.split('/') {
            // A text in the way would be a mistake in this file; the deeper path wins.
            if matches!(node, Node::Text(_)) {
                *node = Node::Directory(BTreeMap::new());
            }
            let Node::Directory(entries) = node else { return };
            node = entries.entry(part.to_owned()).or_insert_with(|| Node::Directory(BTreeMap::new()));
        }
        *node = leaf;
    }

    fn text(&mut self, path: &str, text: impl Into<String>) {
        self.put(path, Node::Text(text.into().into_bytes()));
    }
}

struct About<'a> {
    account: &'a str,
    region_name: &'a str,
    region: &'a Region,
    instance: &'a Instance,
}

impl About<'_> {
    fn meta_data(&self, root: &mut Builder) {
        let instance = self.instance;
        let mut set = |path: &str, text: String| root.text(&format!("meta-data/{path}"), text);
        set("ami-id", instance.image_id.clone());
        set("ami-launch-index", instance.launch_index.to_string());
        set("ami-manifest-path", "(unknown)".to_owned());
        set("block-device-mapping/ami", instance.root_device.trim_start_matches("/dev/").to_owned());
        set("block-device-mapping/root", instance.root_device.clone());
        set("hostname", instance.private_dns_name.clone());
        set("instance-action", "none".to_owned());
        set("instance-id", instance.id.clone());
        set("instance-life-cycle", "on-demand".to_owned());
        set("instance-type", instance.instance_type.clone());
        set("local-hostname", instance.private_dns_name.clone());
        set("placement/availability-zone", instance.zone.clone());
        set("placement/region", self.region_name.to_owned());
        if let Some((_, id)) = zones(self.region_name).into_iter().find(|(name, _)| *name == instance.zone) {
            set("placement/availability-zone-id", id);
        }
        set("profile", "default-hvm".to_owned());
        set("reservation-id", instance.reservation_id.clone());
        set("services/domain", "amazonaws.com".to_owned());
        set("services/partition", "aws".to_owned());
        if let (Some(name), Some(key)) = (&instance.key_name, &instance.public_key) {
            set("public-keys/0/openssh-key", format!("{}\n", key.trim_end()));
            // Only for the listing; see `serve`.
            set(&format!("public-keys/{}", named_key(name)), String::new());
        }
        if instance.metadata_options.tags {
            for (key, value) in &instance.tags {
                // Names are parts of paths: EC2 allows no others when tags are shown.
                set(&format!("tags/instance/{key}"), value.clone());
            }
        }
        if let Some(primary) = self.region.primary_interface(&instance.id) {
            set("local-ipv4", primary.private_ip().to_string());
            set("mac", primary.mac.clone());
            set("security-groups", self.group_names(primary).join("\n"));
            if let Some(public) = primary.public_ip() {
                set("public-ipv4", public.to_string());
            }
            if let Some(name) = self.public_name(primary) {
                set("public-hostname", name);
            }
        }
        for interface in self.region.interfaces_of(&instance.id) {
            self.interface(root, interface);
        }
    }

    fn interface(&self, root: &mut Builder, interface: &NetworkInterface) {
        let base = format!("meta-data/network/interfaces/macs/{}", interface.mac);
        let mut set = |path: &str, text: String| root.text(&format!("{base}/{path}"), text);
        let addresses = interface.private_addresses.iter().map(|address| address.ip.to_string());
        set("device-number", interface.attachment.as_ref().map_or(0, |held| held.device_index).to_string());
        set("interface-id", interface.id.clone());
        for (private, public) in interface.translations() {
            set(&format!("ipv4-associations/{public}"), private.to_string());
        }
        set("local-hostname", private_dns_name(self.region_name, interface.private_ip()));
        set("local-ipv4s", addresses.collect::<Vec<_>>().join("\n"));
        set("mac", interface.mac.clone());
        set("owner-id", self.account.to_owned());
        if let Some(name) = self.public_name(interface) {
            set("public-hostname", name);
        }
        let public: Vec<String> = interface.translations().map(|(_, public)| public.to_string()).collect();
        if !public.is_empty() {
            set("public-ipv4s", public.join("\n"));
        }
        set("security-group-ids", interface.groups.join("\n"));
        set("security-groups", self.group_names(interface).join("\n"));
        set("subnet-id", interface.subnet_id.clone());
        if let Some(subnet) = self.region.subnets.get(&interface.subnet_id) {
            set("subnet-ipv4-cidr-block", subnet.cidr.to_string());
        }
        set("vpc-id", interface.vpc_id.clone());
        if let Some(vpc) = self.region.vpcs.get(&interface.vpc_id) {
            set("vpc-ipv4-cidr-block", vpc.cidr.to_string());
            set("vpc-ipv4-cidr-blocks", vpc.cidr.to_string());
        }
    }

    fn group_names(&self, interface: &NetworkInterface) -> Vec<String> {
        let groups = interface.groups.iter().filter_map(|id| self.region.security_groups.get(id));
        groups.map(|group| group.name.clone()).collect()
    }

    fn public_name(&self, interface: &NetworkInterface) -> Option<String> {
        let vpc = self.region.vpcs.get(&interface.vpc_id)?;
        let named = vpc.enable_dns_support && vpc.enable_dns_hostnames;
        interface.public_ip().filter(|_| named).map(|ip| public_dns_name(self.region_name, ip))
    }

    /// In the order and with the spaces of EC2's own.
    fn identity_document(&self) -> String {
        let instance = self.instance;
        let address = self.region.primary_interface(&instance.id).map(|eni| eni.private_ip().to_string());
        let document = json!({
            "accountId": self.account,
            "architecture": "x86_64",
            "availabilityZone": instance.zone,
            "billingProducts": null,
            "devpayProductCodes": null,
            "marketplaceProductCodes": null,
            "imageId": instance.image_id,
            "instanceId": instance.id,
            "instanceType": instance.instance_type,
            "kernelId": null,
            "pendingTime": format!("{:.0}", instance.launch_time),
            "privateIp": address,
            "ramdiskId": null,
            "region": self.region_name,
            "version": "2017-09-30",
        });
        let members = document.as_object().into_iter().flatten();
        let lines: Vec<String> = members.map(|(key, value)| format!("  \"{key}\" : {value}")).collect();
        format!("{{\n{}\n}}", lines.join(",\n"))
    }
}

/// How the list of keys names its only one: `0=my-key`.
pub(super) fn named_key(name: &str) -> String {
    format!("0={name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::internet::sample::{ACCOUNT, Lab};

    fn tree(lab: &Lab) -> Node {
        of(ACCOUNT, "us-east-1", lab.region(), lab.region().instances.get(&lab.web).unwrap())
    }

    fn text(root: &Node, path: &str) -> Option<String> {
        match look_up(root, path)? {
            Node::Text(text) => Some(String::from_utf8(text.clone()).unwrap()),
            Node::Directory(entries) => Some(listing(entries)),
        }
    }

    #[test]
    fn an_instance_finds_what_the_api_says_of_it() {
        let lab = Lab::with_two_instances(true);
        let tree = tree(&lab);
        let interface = lab.interface();
        let get = |path: &str| text(&tree, &format!("meta-data/{path}"));
        assert_eq!(get("instance-id").as_deref(), Some(lab.web.as_str()));
        assert_eq!(get("local-ipv4").as_deref(), Some("10.0.1.10"));
        assert_eq!(get("public-ipv4"), Some(lab.web_public.to_string()));
        assert_eq!(get("public-hostname"), Some(public_dns_name("us-east-1", lab.web_public)));
        assert_eq!(get("security-groups").as_deref(), Some("default"));
        assert_eq!(get("placement/region").as_deref(), Some("us-east-1"));
        let interface_path = format!("network/interfaces/macs/{}", interface.mac);
        assert_eq!(get(&format!("{interface_path}/subnet-id")), Some(interface.subnet_id.clone()));
        assert_eq!(get(&format!("{interface_path}/vpc-id")), Some(lab.vpc.clone()));
        assert_eq!(get(&format!("{interface_path}/subnet-ipv4-cidr-block")).as_deref(), Some("10.0.1.0/24"));
        assert_eq!(get("network/interfaces/macs/"), Some(format!("{}/", interface.mac)));
        assert!(get("public-keys/0/openssh-key").unwrap().starts_with("ssh-ed25519 "));
        assert_eq!(text(&tree, "user-data").as_deref(), Some("#!/bin/sh\nid\n"));
    }

    #[test]
    fn without_host_names_there_is_none_and_no_tags_unless_asked() {
        let tree = tree(&Lab::with_two_instances(false));
        assert_eq!(text(&tree, "meta-data/public-hostname"), None);
        assert_eq!(text(&tree, "meta-data/tags"), None);
        assert_eq!(text(&tree, "meta-data/instance-id/more"), None);
        assert_eq!(text(&tree, "").as_deref(), Some("dynamic/\nmeta-data/\nuser-data"));
    }

    #[test]
    fn the_identity_document_is_json_in_ec2s_layout() {
        let lab = Lab::with_two_instances(false);
        let document = text(&tree(&lab), "dynamic/instance-identity/document").unwrap();
        assert!(document.starts_with("{\n  \"accountId\" : \"123456789012\",\n"), "{document}");
        let value: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!(value["privateIp"], "10.0.1.10");
        assert_eq!(value["pendingTime"], "2026-11-22T14:10:48Z");
    }
}
