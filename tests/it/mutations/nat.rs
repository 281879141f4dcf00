//! Lesson 06: the NAT gateway, its address, its route, and what is left of them.

use super::change::{Mutation, mutation};

pub const NAT: &[Mutation] = &[
    mutation("no address", "allocate-nat-address", "NAT_EIP=$(aws", "NAT_EIP=$(: aws")
        .noticed("allocate-nat-address", "NAT_EIP=")
        .also(&["create-nat-gateway"])
        .ends(),
    mutation("no gateway", "create-nat-gateway", "NAT=$(aws", "NAT=$(echo none; : aws")
        .noticed("create-nat-gateway", "exit status")
        .ends(),
    mutation(
        "the gateway in the private subnet",
        "create-nat-gateway",
        "$PUBLIC",
        "$(aws ec2 describe-subnets --filters Name=vpc-id,Values=$VPC Name=tag:Name,Values=private \\
  --query 'Subnets[0].SubnetId' --output text)",
    )
    .noticed("show-nat-gateway", "subnet-")
    .also(&["fetch"])
    .ends(),
    mutation("a gateway of another name", "create-nat-gateway", "Value=lab-nat", "Value=nat")
        .noticed("show-nat-gateway", "lab-nat"),
    mutation("no way out", "add-nat-route", "aws ec2", "echo True; : aws ec2")
        .noticed("show-main-route-table", "0.0.0.0/0")
        .also(&["fetch"])
        .ends(),
    mutation(
        "a route to the internet gateway",
        "add-nat-route",
        "--nat-gateway-id $NAT",
        "--gateway-id $(aws ec2 describe-internet-gateways --filters Name=attachment.vpc-id,Values=$VPC \\
  --query 'InternetGateways[0].InternetGatewayId' --output text)",
    )
    .noticed("show-main-route-table", "igw-")
    .also(&["fetch"])
    .ends()
    .further(),
    mutation("a route to half of all addresses", "add-nat-route", "0.0.0.0/0", "128.0.0.0/1")
        .noticed("show-main-route-table", "128.0.0.0/1")
        .also(&["show-blackhole"]),
    mutation(
        "the route in the public table",
        "add-nat-route",
        "$MAIN_RT",
        "$(aws ec2 describe-route-tables --filters Name=vpc-id,Values=$VPC Name=tag:Name,Values=public-rt \\
  --query 'RouteTables[0].RouteTableId' --output text)",
    )
    .noticed("add-nat-route", "exit status 254")
    .ends(),
    mutation(
        "a route from the beginning",
        "find-network",
        "WEB_IP=$(",
        "aws ec2 create-route \\
  --route-table-id $MAIN_RT --destination-cidr-block 192.0.2.0/24 --query Return --output text > created \\
  --gateway-id $(aws ec2 describe-internet-gateways --filters Name=attachment.vpc-id,Values=$VPC \\
  --query 'InternetGateways[0].InternetGatewayId' --output text)
WEB_IP=$(",
    )
    .noticed("show-main-route-table", "192.0.2.0/24")
    .also(&["fetch"])
    .ends()
    .further(),
    mutation("packets of another port", "fetch-from-web", "\"tcp port 80\"", "\"tcp port 443\"")
        .noticed("fetch-from-web", "packet on db"),
    mutation("packets of one side only", "fetch-from-web", "capture-on=db,web", "capture-on=db")
        .noticed("fetch-from-web", "packet on web")
        .further(),
    mutation("past the gateway, inside the VPC", "fetch-from-web", "http://$WEB_IP/", "http://10.0.1.10/")
        .noticed("fetch-from-web", "10.0.1.10")
        .also(&["read-access-log"]),
    mutation(
        "the gateway not deleted",
        "delete-nat-gateway",
        "aws ec2 delete-nat-gateway",
        "echo $NAT; : aws ec2 delete-nat-gateway",
    )
    .and("delete-nat-gateway", "aws ec2 wait", ": aws ec2 wait")
    .noticed("release-nat-address", "exit status 254")
    .ends(),
    mutation("the address not released", "release-nat-address", "aws ec2", ": aws ec2")
        .noticed("show-addresses", "nat-eip"),
    mutation(
        "the route deleted with the gateway",
        "release-nat-address",
        "aws ec2",
        "aws ec2 delete-route --route-table-id $MAIN_RT --destination-cidr-block 0.0.0.0/0 || true\naws ec2",
    )
    .noticed("show-blackhole", "0.0.0.0/0")
    .apart_from(&["add-nat-route"]),
];
