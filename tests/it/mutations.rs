//! `lab verify` notices: each rule, route, association and gateway of the lessons left out or pointed elsewhere, one at a
//! time, in real runs; and each recorded fact falsified, held against the results of a real run.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use crate::course::{Course, Region, told};

/// A change to a lesson that `lab verify` must notice.
struct Mutation {
    lesson: &'static str,
    /// What stands in the lesson, once.
    from: &'static str,
    to: &'static str,
    /// What the report must say: the block that notices.
    block: &'static str,
    /// And a word of the cause.
    cause: &'static str,
}

const fn mutation(
    lesson: &'static str,
    from: &'static str,
    to: &'static str,
    block: &'static str,
    cause: &'static str,
) -> Mutation {
    Mutation { lesson, from, to, block, cause }
}

const NETWORK: &str = "01-vpc-and-subnets";
const WEB: &str = "02-web-server";
const PRIVATE: &str = "05-private-subnet";

const MAIN_TABLE: &str = "$(aws ec2 describe-route-tables --filters Name=vpc-id,Values=$VPC Name=association.main,Values=true \
  --query 'RouteTables[0].RouteTableId' --output text)";

const MUTATIONS: &[Mutation] = &[
    // 01: the network
    mutation(
        NETWORK,
        "create-vpc --cidr-block 10.0.0.0/16",
        "create-vpc --cidr-block 10.0.0.0/17",
        "show-vpc",
        "10.0.0.0/17",
    ),
    mutation(
        NETWORK,
        "{#create-public-subnet}\nPUBLIC=$(aws ec2 create-subnet --vpc-id $VPC --cidr-block 10.0.1.0/24",
        "{#create-public-subnet}\nPUBLIC=$(aws ec2 create-subnet --vpc-id $VPC --cidr-block 10.0.1.0/25",
        "show-public-subnet",
        "10.0.1.0/25",
    ),
    mutation(
        NETWORK,
        "aws ec2 attach-internet-gateway --internet-gateway-id $IGW --vpc-id $VPC",
        "true",
        "add-default-route",
        "exit status 254",
    ),
    mutation(
        NETWORK,
        "aws ec2 attach-internet-gateway --internet-gateway-id $IGW --vpc-id $VPC",
        "aws ec2 attach-internet-gateway --internet-gateway-id $(aws ec2 create-internet-gateway --query InternetGateway.InternetGatewayId --output text) --vpc-id $VPC",
        "add-default-route",
        "belong to different networks",
    ),
    mutation(
        NETWORK,
        "{#add-default-route}\naws ec2 create-route",
        "{#add-default-route}\necho True\n: aws ec2 create-route",
        "confirm-default-route",
        "0.0.0.0/0",
    ),
    mutation(
        NETWORK,
        "{#add-default-route}\naws ec2 create-route --route-table-id $PUBLIC_RT --destination-cidr-block 0.0.0.0/0",
        "{#add-default-route}\naws ec2 create-route --route-table-id $PUBLIC_RT --destination-cidr-block 0.0.0.0/1",
        "confirm-default-route",
        "0.0.0.0/1",
    ),
    mutation(
        NETWORK,
        "{#add-default-route}\naws ec2 create-route --route-table-id $PUBLIC_RT",
        "{#add-default-route}\naws ec2 create-route --route-table-id $MAIN_TABLE",
        "confirm-default-route",
        "0.0.0.0/0",
    ),
    mutation(
        NETWORK,
        "aws ec2 associate-route-table --route-table-id $PUBLIC_RT --subnet-id $PUBLIC \\\n  --query AssociationState.State --output text",
        "echo associated",
        "confirm-route-table",
        "null",
    ),
    mutation(
        NETWORK,
        "aws ec2 associate-route-table --route-table-id $PUBLIC_RT",
        "aws ec2 associate-route-table --route-table-id $MAIN_TABLE",
        "confirm-route-table",
        "rtb-",
    ),
    // 02: the web server
    mutation(WEB, "--security-group-ids $WEB_SG", "", "show-web", "default"),
    mutation(WEB, "--key-name my-key --security", "--security", "show-web", "my-key"),
    mutation(
        WEB,
        "--private-ip-address 10.0.1.10",
        "--private-ip-address 10.0.1.11",
        "show-web",
        "10.0.1.11",
    ),
    mutation(WEB, "--associate-public-ip-address", "--no-associate-public-ip-address", "show-web", "null"),
    mutation(
        WEB,
        "--description 'Who may reach the web server' --query GroupId --output text)",
        "--description 'Who may reach the web server' --query GroupId --output text)\naws ec2 revoke-security-group-egress --group-id $WEB_SG --protocol all --cidr 0.0.0.0/0 --query Return > revoked",
        "show-new-group",
        "0.0.0.0/0",
    ),
    mutation(
        WEB,
        "{#allow-ssh}\naws ec2 authorize",
        "{#allow-ssh}\necho True\n: aws ec2 authorize",
        "knock-again",
        "exit status 1",
    ),
    mutation(
        WEB,
        "--group-id $WEB_SG --protocol tcp --port 22",
        "--group-id $WEB_SG --protocol tcp --port 23",
        "knock-again",
        "exit status 1",
    ),
    mutation(
        WEB,
        "--cidr 0.0.0.0/0 --query Return --output text\n```",
        "--cidr 192.0.2.0/24 --query Return --output text\n```",
        "knock-again",
        "exit status 1",
    ),
    mutation(WEB, "chmod 400 my-key.pem", "true", "protect-key", "644"),
    mutation(
        WEB,
        "aws ec2 associate-address --allocation-id $EIP --instance-id $WEB \\\n  --query AssociationId --output text",
        "echo eipassoc-0123456789abcdef0",
        "show-elastic-ip",
        "null",
    ),
    // 05: the private subnet
    mutation(
        PRIVATE,
        "create-subnet --vpc-id $VPC --cidr-block 10.0.2.0/24",
        "create-subnet --vpc-id $VPC --cidr-block 10.0.2.0/25",
        "show-subnets",
        "10.0.2.0/25",
    ),
    mutation(
        PRIVATE,
        "aws ec2 wait subnet-available --subnet-ids $PRIVATE",
        "aws ec2 wait subnet-available --subnet-ids $PRIVATE\naws ec2 associate-route-table --subnet-id $PRIVATE --route-table-id $(aws ec2 describe-route-tables --filters Name=vpc-id,Values=$VPC Name=tag:Name,Values=public-rt --query 'RouteTables[0].RouteTableId' --output text) > associated",
        "show-route-tables",
        "subnet-",
    ),
    mutation(
        PRIVATE,
        "{#create-private-subnet}\n",
        "{#create-private-subnet}\naws ec2 delete-route --destination-cidr-block 0.0.0.0/0 --route-table-id $(aws ec2 describe-route-tables --filters Name=vpc-id,Values=$VPC Name=tag:Name,Values=public-rt --query 'RouteTables[0].RouteTableId' --output text) > deleted\n",
        "show-route-tables",
        "0.0.0.0/0",
    ),
    mutation(
        PRIVATE,
        "{#create-private-subnet}\n",
        "{#create-private-subnet}\naws ec2 disassociate-route-table --association-id $(aws ec2 describe-route-tables --filters Name=vpc-id,Values=$VPC Name=tag:Name,Values=public-rt --query 'RouteTables[0].Associations[0].RouteTableAssociationId' --output text) > deleted\n",
        "show-route-tables",
        "subnet-",
    ),
    mutation(
        PRIVATE,
        "aws ec2 authorize-security-group-ingress --group-id $DB_SG --protocol tcp --port 3306 \\\n  --cidr 0.0.0.0/0 --query Return --output text",
        "echo True",
        "show-open-db-rules",
        "3306",
    ),
    mutation(
        PRIVATE,
        "aws ec2 authorize-security-group-ingress --group-id $DB_SG --protocol tcp --port 22 \\\n  --cidr 0.0.0.0/0 --query Return --output text",
        "echo True",
        "show-open-db-rules",
        "22",
    ),
    mutation(
        PRIVATE,
        "--no-associate-public-ip-address",
        "--associate-public-ip-address",
        "show-db",
        "203.0.113.",
    ),
    mutation(
        PRIVATE,
        "--private-ip-address 10.0.2.10",
        "--private-ip-address 10.0.2.11",
        "show-db",
        "10.0.2.11",
    ),
    mutation(
        PRIVATE,
        "--key-name my-key --security-group-ids $DB_SG",
        "--key-name my-key --security-group-ids $WEB_SG",
        "show-db",
        "WEB-SG",
    ),
    mutation(PRIVATE, "echo '  ProxyJump web' >> ssh-config\n", "", "jump-through-web", "exit status 255"),
    mutation(
        PRIVATE,
        "aws ec2 authorize-security-group-ingress --group-id $DB_SG --protocol tcp --port 22 \\\n  --source-group $WEB_SG",
        "aws ec2 authorize-security-group-ingress --group-id $DB_SG --protocol tcp --port 22 \\\n  --source-group $DB_SG",
        "jump-again",
        "exit status 255",
    ),
    mutation(
        PRIVATE,
        "aws ec2 authorize-security-group-ingress --group-id $DB_SG --protocol tcp --port 3306 \\\n  --source-group $WEB_SG",
        "aws ec2 authorize-security-group-ingress --group-id $DB_SG --protocol tcp --port 3306 \\\n  --source-group $DB_SG",
        "show-db-rules",
        "sg-",
    ),
    mutation(
        PRIVATE,
        "aws ec2 authorize-security-group-ingress --group-id $DB_SG --protocol tcp --port 3306 \\\n  --source-group $WEB_SG --query Return --output text",
        "echo True",
        "show-db-rules",
        "3306",
    ),
    mutation(
        PRIVATE,
        "aws ec2 revoke-security-group-ingress --group-id $DB_SG --protocol tcp --port 22 \\\n  --cidr 0.0.0.0/0 --query Return --output text",
        "echo True",
        "show-db-rules",
        "0.0.0.0/0",
    ),
    mutation(
        PRIVATE,
        "aws ec2 revoke-security-group-ingress --group-id $DB_SG --protocol tcp --port 3306 \\\n  --cidr 0.0.0.0/0 --query Return --output text",
        "echo True",
        "show-db-rules",
        "0.0.0.0/0",
    ),
    mutation(
        PRIVATE,
        "{#allow-icmp}\naws ec2 authorize",
        "{#allow-icmp}\necho True\n: aws ec2 authorize",
        "ping-db",
        "exit status 1",
    ),
    mutation(
        PRIVATE,
        "IpRanges=[{CidrIp=10.0.0.0/16}]",
        "IpRanges=[{CidrIp=10.0.2.0/24}]",
        "ping-db",
        "exit status 1",
    ),
    mutation(
        PRIVATE,
        "IpProtocol=icmp,FromPort=-1,ToPort=-1",
        "IpProtocol=icmp,FromPort=0,ToPort=-1",
        "ping-db",
        "exit status 1",
    ),
];

#[test]
fn every_mutation_of_the_lessons_is_noticed() {
    let region = Region::new();
    let failures = Mutex::new(String::new());
    let next = std::sync::atomic::AtomicUsize::new(0);
    // Waiting for machines to boot takes most of the time, so several run beside each other.
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(mutation) =
                    MUTATIONS.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    if let Err(why) = noticed(&region, mutation) {
                        let mut failures = failures.lock().expect("no panic");
                        let _ = writeln!(
                            failures,
                            "{} `{}` -> `{}`: {why}",
                            mutation.lesson, mutation.from, mutation.to
                        );
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic");
    assert!(failures.is_empty(), "{failures}");
}

fn noticed(region: &Arc<Region>, mutation: &Mutation) -> Result<(), String> {
    let course = Course::copy(region);
    course.change(
        &course.lesson(mutation.lesson),
        mutation.from,
        &mutation.to.replace("$MAIN_TABLE", MAIN_TABLE),
    );
    let output = course.lab(&["verify", "--fresh", "--fail-fast", "--quiet", mutation.lesson]);
    let told = told(&output);
    match output.status.code() {
        Some(1) if told.contains(mutation.block) && told.contains(mutation.cause) => Ok(()),
        code => Err(format!(
            "ended with {code:?}, and should tell of `{}`, {}:\n{told}",
            mutation.block, mutation.cause
        )),
    }
}

/// Records falsified on purpose, in several lessons at once: each must be told of, by the command itself. That every other
/// recorded fact is noticed too is shown beside `snapshot::compare`, where it takes no time.
const FALSIFIED: &[(&str, &str, &str)] = &[
    ("02-web-server__show-listeners", ":22 ", ":23 "),
    ("02-web-server__show-status", "\"ok\"\n}", "\"impaired\"\n}"),
    ("05-private-subnet__ping-db", "0% packet loss", "100% packet loss"),
    ("05-private-subnet__ping-in-vain", "100% packet loss", "0% packet loss"),
    ("05-private-subnet__jump-again", "ip-10-0-2-10", "ip-10-0-1-10"),
];

#[test]
fn falsified_records_are_noticed() {
    let region = Region::new();
    let course = Course::copy(&region);
    for (name, from, to) in FALSIFIED {
        course.change(&course.snapshot(name), from, to);
    }
    // The route to the gateway is recorded as one to another gateway: ids may be others, but only consistently.
    let table = course.snapshot("05-private-subnet__show-route-tables");
    let text = std::fs::read_to_string(&table).expect("recorded");
    let gateway =
        text.split("0.0.0.0/0 ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a route").to_owned();
    course.change(&table, &gateway, "igw-00000000000000001");
    // Two ids that are both known are swapped.
    let subnets = course.snapshot("05-private-subnet__show-subnets");
    let text = std::fs::read_to_string(&subnets).expect("recorded");
    let mut ids = text.split("\"Id\": \"").skip(1).filter_map(|rest| rest.split('"').next());
    let (one, two) = (ids.next().expect("an id").to_owned(), ids.next().expect("another").to_owned());
    let swapped = text.replace(&one, "?").replace(&two, &one).replace('?', &two);
    std::fs::write(&subnets, swapped).expect("written");

    let output = course.lab(&["verify", "--fresh", "--quiet"]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let blocks = FALSIFIED.iter().map(|(name, ..)| name.split("__").nth(1).expect("a block"));
    for block in blocks.chain(["show-route-tables", "show-subnets"]) {
        assert!(told.contains(&format!("≠ {block} differs")), "`{block}` is not told of:\n{told}");
    }
    assert!(told.contains("igw-00000000000000001"), "the cause is not told of:\n{told}");
}
