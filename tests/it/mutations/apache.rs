//! Lesson 03: Apache and names.

use super::change::{Mutation, mutation};

pub const APACHE: &[Mutation] = &[
    mutation("no list of packages", "install-apache", "sudo apt-get update\n", "")
        .noticed("install-apache", "exit status 100")
        .ends(),
    mutation("Apache fetched, not installed", "install-apache", "-y install", "-y --download-only install")
        .noticed("show-package", "exit status 1")
        .ends(),
    mutation("Apache stopped", "start-apache", "systemctl start", "systemctl stop")
        .noticed("start-apache", "inactive")
        .ends(),
    mutation("Apache left to start at boot", "disable-apache", "sudo systemctl", ": systemctl")
        .noticed("ask-for-start-at-boot", "exit status 0, expected 1")
        .ends(),
    mutation("Apache not set to start at boot", "enable-apache", "sudo systemctl", ": systemctl")
        .noticed("ask-for-start-at-boot-again", "disabled")
        .ends(),
    mutation("no rule for port 80", "allow-http", "aws ec2", "echo True; : aws ec2")
        .noticed("ask-again", "exit status 28")
        .ends(),
    mutation("a rule for another group", "allow-http", "$WEB_SG", "$(aws ec2 describe-security-groups \\
  --filters Name=vpc-id,Values=$VPC Name=group-name,Values=default --query 'SecurityGroups[0].GroupId' --output text)")
        .noticed("ask-again", "exit status 28")
        .ends().further(),
    mutation("a rule for more ports", "allow-http", "--port 80", "--port 80-81")
        .noticed("show-web-rules", "81"),
    mutation("a rule for others", "allow-http", "0.0.0.0/0", "192.0.2.0/24")
        .noticed("ask-again", "exit status 28")
        .ends().further(),
    mutation("a rule for half of the world", "allow-http", "0.0.0.0/0", "128.0.0.0/1")
        .noticed("show-web-rules", "128.0.0.0/1"),
    mutation(
        "host names on from the beginning",
        "find-web",
        "WEB_IP=$(",
        "aws ec2 modify-vpc-attribute --vpc-id $VPC --enable-dns-hostnames\nWEB_IP=$(",
    )
    .noticed("show-missing-names", "true")
    .apart_from(&["enable-dns-hostnames"]),
    mutation("host names left off", "enable-dns-hostnames", "aws ec2", ": aws ec2")
        .noticed("show-names", "`ec2-` did not appear")
        .ends(),
    mutation("host names off", "enable-dns-hostnames", "--enable-dns-hostnames", "--no-enable-dns-hostnames")
        .noticed("show-names", "`ec2-` did not appear")
        .ends().further(),
    mutation(
        "the VPC's resolver off",
        "show-names",
        "WEB_NAME=$(",
        "aws ec2 modify-vpc-attribute --vpc-id $VPC --no-enable-dns-support\nWEB_NAME=$(",
    )
    .noticed("look-up-name", "NXDOMAIN")
    .ends(),
    mutation("the name not known to SSH", "log-in-by-name", "echo \"$WEB_NAME", ": \"$WEB_NAME")
        .noticed("log-in-by-name", "exit status 255")
        .ends(),
];
