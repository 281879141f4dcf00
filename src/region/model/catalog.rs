//! What can be launched: images and instance types. The same in every region but for the image ids.

use sha2::{Digest, Sha256};

/// A machine image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// `ami-…`; a function of region and name.
    pub id: String,
    /// For example `debian-13-amd64-20260914-2601`.
    pub name: &'static str,
    pub description: &'static str,
    /// The account of its publisher.
    pub owner: &'static str,
    /// RFC 3339.
    pub created: &'static str,
    /// Which system the guest side boots, for example `debian-13`.
    pub system: &'static str,
    /// The user that the key pair's public half is for.
    pub login_user: &'static str,
    /// The root device and the size of its volume in GiB.
    pub root_device: &'static str,
    pub root_size: u32,
}

struct Edition {
    name: &'static str,
    created: &'static str,
}

const DEBIAN_OWNER: &str = "136693071363";

/// Newest last.
const DEBIAN_13: [Edition; 2] = [
    Edition { name: "debian-13-amd64-20260713-2538", created: "2026-07-13T21:04:36.000Z" },
    Edition { name: "debian-13-amd64-20260914-2601", created: "2026-09-14T21:05:12.000Z" },
];

/// The images that can be launched in a region, the oldest first.
pub fn images(region: &str) -> Vec<Image> {
    DEBIAN_13
        .iter()
        .map(|edition| Image {
            id: image_id(region, edition.name),
            name: edition.name,
            description: "Debian 13",
            owner: DEBIAN_OWNER,
            created: edition.created,
            system: "debian-13",
            login_user: "admin",
            root_device: "/dev/xvda",
            root_size: 8,
        })
        .collect()
}

/// The image with this id in a region.
pub fn image(region: &str, id: &str) -> Option<Image> {
    images(region).into_iter().find(|image| image.id == id)
}

fn image_id(region: &str, name: &str) -> String {
    let digest = Sha256::digest(format!("{region}/{name}"));
    let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("ami-0{digits}")
}

/// The image id behind a public parameter of Systems Manager.
pub fn public_parameter(region: &str, name: &str) -> Option<String> {
    let rest = name.strip_prefix("/aws/service/debian/release/")?;
    let (release, rest) = rest.split_once('/')?;
    if !matches!(release, "13" | "trixie") {
        return None;
    }
    let (edition, architecture) = rest.split_once('/')?;
    let images = images(region);
    let image = match edition {
        "latest" => images.last(),
        build => images.iter().find(|image| image.name.ends_with(build)),
    };
    image.filter(|_| architecture == "amd64").map(|image| image.id.clone())
}

/// An instance type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceType {
    pub name: &'static str,
    pub vcpus: u32,
    pub memory_mib: u32,
    pub cores: u32,
    /// At most this many network interfaces, and addresses on each.
    pub interfaces: u32,
    pub addresses_per_interface: u32,
    /// On AWS's own hypervisor (the t3 family), not Xen (t2).
    pub nitro: bool,
    pub free_tier: bool,
    pub network: &'static str,
}

/// The instance types that can be launched.
pub const INSTANCE_TYPES: &[InstanceType] = &[
    t2("t2.nano", 1, 512, 2, 2),
    t2("t2.micro", 1, 1024, 2, 2),
    t2("t2.small", 1, 2048, 3, 4),
    t2("t2.medium", 2, 4096, 3, 6),
    t3("t3.nano", 512, 2, 2),
    t3("t3.micro", 1024, 2, 2),
    t3("t3.small", 2048, 3, 4),
    t3("t3.medium", 4096, 3, 6),
];

const fn t2(
    name: &'static str,
    vcpus: u32,
    memory_mib: u32,
    interfaces: u32,
    addresses: u32,
) -> InstanceType {
    InstanceType {
        name,
        vcpus,
        memory_mib,
        cores: vcpus,
        interfaces,
        addresses_per_interface: addresses,
        nitro: false,
        free_tier: false,
        network: "Low to Moderate",
    }
}

const fn t3(name: &'static str, memory_mib: u32, interfaces: u32, addresses: u32) -> InstanceType {
    InstanceType {
        name,
        vcpus: 2,
        memory_mib,
        cores: 1,
        interfaces,
        addresses_per_interface: addresses,
        nitro: true,
        free_tier: matches!(name.as_bytes(), b"t3.micro" | b"t3.small"),
        network: "Up to 5 Gigabit",
    }
}

/// The instance type of this name.
pub fn instance_type(name: &str) -> Option<&'static InstanceType> {
    INSTANCE_TYPES.iter().find(|kind| kind.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameter_names_the_newest_image() {
        let id = public_parameter("eu-west-1", "/aws/service/debian/release/13/latest/amd64").unwrap();
        assert_eq!(image("eu-west-1", &id).unwrap().name, "debian-13-amd64-20260914-2601");
        assert_eq!(image("us-east-1", &id), None);
        assert_eq!(
            public_parameter("eu-west-1", "/aws/service/debian/release/trixie/latest/amd64"),
            Some(id)
        );
        assert_eq!(public_parameter("eu-west-1", "/aws/service/debian/release/13/latest/arm64"), None);
        assert_eq!(public_parameter("eu-west-1", "/aws/service/debian/release/12/latest/amd64"), None);
    }
}
