//! Lessons 01 and 02: the network and the web server.

use super::change::{Mutation, mutation};

pub const NETWORK: &[Mutation] = &[
    mutation("a network of half the size", "create-vpc", "10.0.0.0/16", "10.0.0.0/17")
        .noticed("show-vpc", "10.0.0.0/17")
        .also(&["show-main-route-table", "confirm-default-route"]),
    mutation("a network of another name", "create-vpc", "Value=lab-vpc", "Value=my-vpc")
        .noticed("show-vpc", "my-vpc"),
    mutation("no network", "create-vpc", "VPC=$(aws", "VPC=$(echo vpc-0123456789abcdef0; : aws")
.noticed("create-vpc", "exit status").ends(),
    mutation("a subnet that would fit", "create-subnet-outside", "10.1.1.0/24", "10.0.1.0/24")
        .noticed("create-subnet-outside", "exit status 0, expected 254")
        .ends(),
    mutation("a subnet of half the size", "create-public-subnet", "10.0.1.0/24", "10.0.1.0/25")
        .noticed("show-public-subnet", "10.0.1.0/25"),
    mutation("a subnet of another name", "create-public-subnet", "Value=public", "Value=open")
        .noticed("show-public-subnet", "open"),
    mutation("no internet gateway", "create-internet-gateway", "IGW=$(aws", "IGW=$(: aws")
        .noticed("create-internet-gateway", "IGW=")
        .also(&["add-default-route-too-early"])
        .ends(),
    mutation("a gateway of another name", "create-internet-gateway", "Value=lab-igw", "Value=igw")
        .noticed("show-internet-gateway", "igw"),
    mutation("a route table of another name", "create-route-table", "Value=public-rt", "Value=rt")
        .noticed("confirm-route-table", "public-rt"),
    mutation(
        "no route table of its own for the public subnet",
        "create-route-table",
        "--query RouteTable.RouteTableId --output text)",
        "--query RouteTable.RouteTableId --output text)
PUBLIC_RT=$(aws ec2 describe-route-tables --filters Name=vpc-id,Values=$VPC Name=association.main,Values=true \\
  --query 'RouteTables[0].RouteTableId' --output text)",
    )
    .noticed("confirm-route-table", "Name").apart_from(&["associate-route-table", "add-default-route"]),
    mutation(
        "the gateway attached before the route that needs it",
        "create-route-table",
        "PUBLIC_RT=$(",
        "aws ec2 attach-internet-gateway --internet-gateway-id $IGW --vpc-id $VPC\nPUBLIC_RT=$(",
    )
    .noticed("add-default-route-too-early", "exit status 0, expected 254")
    .ends(),
    mutation("no gateway attached", "attach-internet-gateway", "aws ec2", ": aws ec2")
        .noticed("add-default-route", "exit status 254")
        .ends(),
    mutation(
        "another gateway attached",
        "attach-internet-gateway",
        "$IGW",
        "$(aws ec2 create-internet-gateway --query InternetGateway.InternetGatewayId --output text)",
    )
    .noticed("add-default-route", "belong to different networks")
    .ends(),
    mutation("no default route", "add-default-route", "aws ec2", "echo True; : aws ec2")
        .noticed("confirm-default-route", "0.0.0.0/0"),
    mutation("a route to half of all addresses", "add-default-route", "0.0.0.0/0", "0.0.0.0/1")
        .noticed("confirm-default-route", "0.0.0.0/1"),
    mutation(
        "the default route in the main table",
        "add-default-route",
        "$PUBLIC_RT",
        "$(aws ec2 describe-route-tables --filters Name=vpc-id,Values=$VPC Name=association.main,Values=true \\
  --query 'RouteTables[0].RouteTableId' --output text)",
    )
    .noticed("confirm-default-route", "0.0.0.0/0"),
    mutation("no association", "associate-route-table", "aws ec2", "echo associated; : aws ec2")
        .noticed("confirm-route-table", "null")
        .also(&["confirm-default-route"]).ends(),
    mutation(
        "the main table associated",
        "associate-route-table",
        "$PUBLIC_RT",
        "$(aws ec2 describe-route-tables --filters Name=vpc-id,Values=$VPC Name=association.main,Values=true \\
  --query 'RouteTables[0].RouteTableId' --output text)",
    )
    .noticed("confirm-route-table", "rtb-")
    .also(&["confirm-default-route"]),
    mutation(
        "the table associated too early",
        "create-route-table",
        "--query RouteTable.RouteTableId --output text)",
        "--query RouteTable.RouteTableId --output text)
aws ec2 associate-route-table --route-table-id $PUBLIC_RT --subnet-id $PUBLIC > associated",
    )
    .noticed("look-for-association", "1").apart_from(&["associate-route-table"]),
];

pub const WEB: &[Mutation] = &[
    mutation("a group of another name", "create-web-group", "--group-name WEB-SG", "--group-name WWW-SG")
        .noticed("show-new-group", "WWW-SG").also(&["show-web"]),
    mutation(
        "a group that lets nothing out",
        "create-web-group",
        "--query GroupId --output text)",
        "--query GroupId --output text)
aws ec2 revoke-security-group-egress --group-id $WEB_SG --protocol all --cidr 0.0.0.0/0 --query Return > revoked",
    )
    .noticed("show-new-group", "0.0.0.0/0")
    .also(&["show-web-rules", "call-out"])
    .ends(),
    mutation("a key of another type", "create-key-pair", "--key-type ed25519", "--key-type rsa")
        .noticed("show-key-pair", "rsa"),
    mutation("a key file that is closed from the start", "create-key-pair", "chmod 644", "chmod 600")
        .noticed("show-key-pair", "600")
        .also(&["log-in-with-open-key"])
        .ends(),
    mutation("another type of machine", "launch-web", "t3.micro", "t3.small").noticed("show-web", "t3.small"),
    mutation("the VPC's own group", "launch-web", "--security-group-ids $WEB_SG", "")
        .noticed("show-web", "default")
        .also(&["knock-again"])
        .ends(),
    mutation("no key", "launch-web", "--key-name my-key", "")
        .noticed("show-web", "my-key")
        .also(&["log-in-with-open-key", "log-in"])
        .ends(),
    mutation("another private address", "launch-web", "10.0.1.10", "10.0.1.11")
        .noticed("show-web", "10.0.1.11")
        .also(&["log-in", "show-elastic-ip", "log-in-at-new-address", "show-routes", "ask-for-routes"]),
    mutation(
        "no public address",
        "launch-web",
        "--associate-public-ip-address",
        "--no-associate-public-ip-address",
    )
    .noticed("show-web", "null")
    .also(&["get-address", "knock-in-vain", "knock-again"])
    .ends(),
    mutation("a machine of another name", "launch-web", "Value=web", "Value=www")
        .noticed("show-web", "www")
        .also(&["show-routes"])
        .ends(),
    mutation("no rule for SSH", "allow-ssh", "aws ec2", "echo True; : aws ec2")
        .noticed("knock-again", "exit status 1")
        .ends(),
    mutation("a rule for another port", "allow-ssh", "--port 22", "--port 23")
        .noticed("knock-again", "exit status 1")
        .ends(),
    mutation("a rule for another protocol", "allow-ssh", "--protocol tcp", "--protocol udp")
        .noticed("knock-again", "exit status 1")
        .ends().further(),
    mutation("a rule for others", "allow-ssh", "0.0.0.0/0", "192.0.2.0/24")
        .noticed("knock-again", "exit status 1")
        .ends().further(),
    mutation("a rule for more ports", "allow-ssh", "--port 22", "--port 22-23").noticed("show-web-rules", "23"),
    mutation("a rule for half of the world", "allow-ssh", "0.0.0.0/0", "128.0.0.0/1")
        .noticed("show-web-rules", "128.0.0.0/1"),
    mutation("a host key that nobody has compared", "trust-web", "$(cat console-key)", "ssh-ed25519 AAAA")
        .noticed("log-in", "exit status 255")
        .also(&["log-in-with-open-key"])
        .ends(),
    mutation("no host key known", "trust-web", "echo", ": echo")
        .noticed("log-in", "exit status 255")
        .also(&["log-in-with-open-key"])
        .ends().further(),
    mutation("the key file left open", "protect-key", "chmod 400", ": chmod 400")
        .noticed("protect-key", "644")
        .also(&["log-in"])
        .ends(),
    mutation("an address of another name", "allocate-address", "Value=web-eip", "Value=eip")
        .noticed("show-elastic-ip", "web-eip"),
    mutation("no address", "allocate-address", "EIP=$(aws", "EIP=$(: aws")
        .noticed("allocate-address", "EIP")
        .also(&["associate-address"])
        .ends(),
    mutation(
        "the address not associated",
        "associate-address",
        "aws ec2 associate-address",
        "echo eipassoc-0123456789abcdef0; : aws ec2 associate-address",
    )
    .noticed("show-elastic-ip", "null")
    .also(&["try-old-address"])
    .ends(),
    mutation("the new address not known to SSH", "log-in-at-new-address", "echo \"$WEB_IP", ": \"$WEB_IP")
        .noticed("log-in-at-new-address", "exit status 255")
        .ends(),
];
