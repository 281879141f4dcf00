//! Lesson 05: the private subnet.

use super::change::{Mutation, mutation};

pub const PRIVATE: &[Mutation] = &[
    mutation("a subnet of half the size", "create-private-subnet", "10.0.2.0/24", "10.0.2.0/25")
        .noticed("show-subnets", "10.0.2.0/25"),
    mutation("a subnet of another name", "create-private-subnet", "Value=private", "Value=closed")
        .noticed("show-subnets", "closed"),
    mutation(
        "the private subnet made public",
        "create-private-subnet",
        "aws ec2 wait",
        "aws ec2 associate-route-table --subnet-id $PRIVATE --route-table-id $(aws ec2 describe-route-tables \\
  --filters Name=vpc-id,Values=$VPC Name=tag:Name,Values=public-rt --query 'RouteTables[0].RouteTableId' \\
  --output text) > associated
aws ec2 wait",
    )
    .noticed("show-route-tables", "subnet-"),
    mutation(
        "public addresses on launch",
        "create-private-subnet",
        "aws ec2 wait",
        "aws ec2 modify-subnet-attribute --subnet-id $PRIVATE --map-public-ip-on-launch\naws ec2 wait",
    )
    .noticed("show-subnets", "true"),
    mutation(
        "the default route deleted",
        "create-private-subnet",
        "PRIVATE=$(",
        "aws ec2 delete-route --destination-cidr-block 0.0.0.0/0 --route-table-id $(aws ec2 describe-route-tables \\
  --filters Name=vpc-id,Values=$VPC Name=tag:Name,Values=public-rt --query 'RouteTables[0].RouteTableId' \\
  --output text) > deleted
PRIVATE=$(",
    )
    .noticed("show-route-tables", "0.0.0.0/0")
    .also(&["jump-through-web"])
    .ends(),
    mutation(
        "the public subnet without its table",
        "create-private-subnet",
        "PRIVATE=$(",
        "aws ec2 disassociate-route-table --association-id $(aws ec2 describe-route-tables \\
  --filters Name=vpc-id,Values=$VPC Name=tag:Name,Values=public-rt \\
  --query 'RouteTables[0].Associations[0].RouteTableAssociationId' --output text) > deleted
PRIVATE=$(",
    )
    .noticed("show-route-tables", "subnet-")
    .also(&["jump-through-web"])
    .ends().further(),
    mutation("a group of another name", "create-db-group", "DB-SG", "DATA-SG").noticed("show-open-db-rules", "DATA-SG").also(&["show-db"]),
    mutation(
        "no rule for SSH",
        "create-db-group",
        "aws ec2 authorize-security-group-ingress --group-id $DB_SG --protocol tcp --port 22 ",
        "echo True; : aws ec2 --port 22 ",
    )
    .noticed("show-open-db-rules", "22")
    .also(&["jump-through-web"])
    .ends(),
    mutation(
        "no rule for 3306",
        "create-db-group",
        "aws ec2 authorize-security-group-ingress --group-id $DB_SG --protocol tcp --port 3306 ",
        "echo True; : aws ec2 --port 3306 ",
    )
    .noticed("show-open-db-rules", "3306")
    .also(&["shut-out-the-rest"])
    .ends(),
    mutation("a rule for another port", "create-db-group", "--port 3306", "--port 3307")
        .noticed("show-open-db-rules", "3307")
        .also(&["shut-out-the-rest"])
        .ends().further(),
    mutation(
        "a public address",
        "launch-db",
        "--no-associate-public-ip-address",
        "--associate-public-ip-address",
    )
    .noticed("show-db", "203.0.113."),
    mutation("in the public subnet", "launch-db", "$PRIVATE --private-ip-address 10.0.2.10", "$(aws ec2 describe-subnets \\
  --filters Name=vpc-id,Values=$VPC Name=tag:Name,Values=public --query 'Subnets[0].SubnetId' --output text)")
        .noticed("show-db", "subnet-")
        .also(&["jump-through-web"])
        .ends(),
    mutation("another private address", "launch-db", "10.0.2.10", "10.0.2.11")
        .noticed("show-db", "10.0.2.11")
        .also(&["jump-through-web"])
        .ends(),
    mutation("the group of web", "launch-db", "$DB_SG", "$WEB_SG")
        .noticed("show-db", "WEB-SG")
        .also(&["ping-db"])
        .ends(),
    mutation("no host key known", "trust-db", "echo", ": echo")
        .noticed("jump-through-web", "exit status 255")
        .ends(),
    mutation("another address in the configuration", "write-ssh-config", "10.0.2.10", "10.0.2.11")
        .noticed("jump-through-web", "exit status 255")
        .also(&["reach-db-directly"])
        .ends(),
    mutation("another user", "write-ssh-config", "User admin", "User root")
        .noticed("jump-through-web", "exit status 255")
        .ends().further(),
    mutation("no jump", "jump-through-web", "echo", ": echo")
        .noticed("jump-through-web", "exit status 255")
        .ends(),
    mutation(
        "SSH for another group",
        "admit-web-group",
        "--port 22 \\\n  --source-group $WEB_SG",
        "--port 22 \\\n  --source-group $DB_SG",
    )
    .noticed("jump-again", "exit status 255")
    .ends(),
    mutation(
        "SSH for no group",
        "admit-web-group",
        "aws ec2 authorize-security-group-ingress --group-id $DB_SG --protocol tcp --port 22 ",
        "echo True; : aws ec2 --port 22 ",
    )
    .noticed("jump-again", "exit status 255")
    .ends().further(),
    mutation(
        "3306 for another group",
        "admit-web-group",
        "--port 3306 \\\n  --source-group $WEB_SG",
        "--port 3306 \\\n  --source-group $DB_SG",
    )
    .noticed("show-db-rules", "3306 tcp 3306 sg-"),
    mutation(
        "3306 for no group",
        "admit-web-group",
        "aws ec2 authorize-security-group-ingress --group-id $DB_SG --protocol tcp --port 3306 ",
        "echo True; : aws ec2 --port 3306 ",
    )
    .noticed("show-db-rules", "3306 tcp 3306 sg-").further(),
    mutation(
        "SSH left open",
        "shut-out-the-rest",
        "aws ec2 revoke-security-group-ingress --group-id $DB_SG --protocol tcp --port 22 ",
        "echo True; : aws ec2 --port 22 ",
    )
    .noticed("show-db-rules", "22 tcp 22 0.0.0.0/0"),
    mutation(
        "3306 left open",
        "shut-out-the-rest",
        "aws ec2 revoke-security-group-ingress --group-id $DB_SG --protocol tcp --port 3306 ",
        "echo True; : aws ec2 --port 3306 ",
    )
    .noticed("show-db-rules", "3306 tcp 3306 0.0.0.0/0"),
    mutation("no rule for ICMP", "allow-icmp", "aws ec2", "echo True; : aws ec2")
        .noticed("ping-db", "exit status 1")
        .ends(),
    mutation("ICMP for others", "allow-icmp", "10.0.0.0/16", "10.0.2.0/24")
        .noticed("ping-db", "exit status 1")
        .ends().further(),
    mutation("another type of ICMP", "allow-icmp", "FromPort=-1", "FromPort=0")
        .noticed("ping-db", "exit status 1")
        .ends().further(),
    mutation("ICMP from everywhere", "allow-icmp", "10.0.0.0/16", "0.0.0.0/0")
        .noticed("show-db-rules", "-1 icmp -1 0.0.0.0/0"),
    mutation(
        "ICMP denied at the subnet's edge",
        "allow-icmp",
        "aws ec2 authorize",
        "aws ec2 create-network-acl-entry --ingress --rule-number 50 --protocol icmp --icmp-type-code Type=-1,Code=-1 \\
  --cidr-block 0.0.0.0/0 --rule-action deny --network-acl-id $(aws ec2 describe-network-acls \\
  --filters Name=vpc-id,Values=$VPC --query 'NetworkAcls[0].NetworkAclId' --output text)
aws ec2 authorize",
    )
    .noticed("ping-db", "exit status 1")
    .ends(),
];
