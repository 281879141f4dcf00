//! Lesson 08: packets, filters, and the tools that keep watch.

use super::change::{Mutation, mutation};

pub const PACKETS: &[Mutation] = &[
    // On the wire.
    mutation("packets of another neighbour", "ask-with-arp", "arp host 10.0.1.20", "arp host 10.0.1.30")
        .noticed("ask-with-arp", "who has").further(),
    mutation("somebody after all", "ask-nobody", "10.0.1.99", "10.0.1.20")
        .noticed("ask-nobody", "exit status 0, expected 1")
        .ends().further(),
    mutation("no frames", "watch-frames", "tcpdump -e", "tcpdump").noticed("watch-frames", "ethertype").further(),
    mutation("other packets on db", "watch-frames-on-db", "-t icmp", "-t 'icmp[0] == 0'")
        .noticed("read-frames-on-db", "echo request").further(),
    mutation("packets of web only", "ping-across", "capture-on=web,db", "capture-on=web")
        .noticed("ping-across", "packet on db").further(),
    mutation("another page", "write-small-page", "echo hello", "echo hallo")
        .noticed("fetch-small-page", "hallo")
        .also(&["write-small-page", "call-out-through-filter", "call-out-without-rule"]),
    mutation("the page not served", "write-small-page", "sudo tee /var/www/html/hello.txt", "tee hello.txt")
        .noticed("fetch-small-page", "404 Not Found")
        .also(&["call-out-through-filter", "call-out-without-rule"]).further(),
    mutation("packets of another port", "fetch-small-page", "tcp port 80", "tcp port 81")
        .noticed("fetch-small-page", "SYN").further(),
    mutation("another question", "fetch-small-page", "hello.txt", "hello.html")
        .noticed("fetch-small-page", "GET /hello.html").further(),
    mutation("packets of another port", "get-refused", "tcp port 8080\"", "tcp port 8081\"")
        .noticed("get-refused", "RST").further(),
    mutation("SSH answers", "get-refused", "10.0.1.20 8080", "10.0.1.20 22")
        .noticed("get-refused", "exit status 0, expected 1")
        .ends().further(),
    mutation("packets of another host", "get-nothing", "host 10.0.2.10\"", "host 10.0.2.11\"")
        .noticed("get-nothing", "SYN").further(),
    // From one side only.
    mutation("tools fetched, not installed", "install-tools", "-y install", "-y --download-only install")
        .noticed("switch-filter-on", "not found")
        .ends(),
    mutation("no tshark", "install-tools", " nftables tshark", " nftables").noticed("filter-dns", "not found").ends().further(),
    mutation("no server", "start-server", "node echo.js", "echo 'listening on port 8080'; sleep 1000")
        .noticed("get-accepted", "exit status 1")
        .ends().further(),
    mutation("SSH not let in", "write-filter", "    tcp dport 22 accept\n", "")
        .noticed("knock-through-filter", "exit status 1").ends(),
    mutation("nothing dropped", "write-filter", "    tcp flags & (syn | ack) == syn counter drop\n", "")
        .noticed("ask-through-filter", "exit status 0, expected 28")
        .ends(),
    mutation("counted, not dropped", "write-filter", "counter drop", "counter accept")
        .noticed("ask-through-filter", "exit status 0, expected 28")
        .ends().further(),
    mutation("answers dropped, too", "write-filter", "(syn | ack) == syn", "syn == syn")
        .noticed("call-out-through-filter", "exit status 28")
        .ends(),
    mutation("not counted", "write-filter", "counter drop", "drop")
        .noticed("call-out-through-filter", "exit status 1")
        .ends().further(),
    mutation("the filter at another place", "write-filter", "hook input", "hook output")
        .noticed("ask-through-filter", "exit status 0, expected 28")
        .ends().further(),
    mutation("the filter left off", "switch-filter-on", "sudo nft -f", ": nft -f")
        .noticed("ask-through-filter", "exit status 0, expected 28")
        .ends(),
    mutation("packets of another port", "ask-through-filter", "\"tcp port 8080\"", "\"tcp port 8081\"")
        .noticed("ask-through-filter", "SYN"),
    mutation("the filter left on", "switch-filter-off", "sudo nft", ": nft")
        .noticed("ask-again-without-filter", "exit status 28")
        .ends(),
    mutation("the rule left", "revoke-8080", "aws ec2", "echo True; : aws ec2")
        .noticed("ask-without-rule", "exit status 0, expected 28")
        .ends().further(),
    mutation("the rule for SSH taken away", "revoke-8080", "--port 8080", "--port 22")
        .noticed("ask-without-rule", "exit status 0, expected 28")
        .ends().further(),
    // Recordings.
    mutation("a recording without DNS", "record", "udp port 53 or ", "").noticed("filter-dns", "example.com"),
    mutation("a recording without the web", "record", " or tcp port 80", "")
        .noticed("filter-http", "exit status")
        .ends(),
    mutation("another filter for DNS", "filter-dns", "udp.port==53", "udp.port==54")
        .noticed("filter-dns", "example.com"),
    mutation("what goes to the name server", "filter-http", "-Y http.request", "-Y dns")
        .noticed("filter-http", "GET")
        .further(),
    mutation("all of the web", "filter-http", "tcp.port==80 and ip.dst_host==$SITE", "tcp.port==80")
        .noticed("filter-http", "192.0.2."),
    mutation("the other direction", "filter-http", "and ip.dst_host==", "and ip.src_host==")
        .noticed("filter-http", "GET").further(),
    mutation("no name on record", "look-up-on-record", "udp port 53", "udp port 54")
        .noticed("look-up-on-record", "DNS"),
    // What is there, and how it is.
    mutation(
        "an entry in the network ACL",
        "list-blocks",
        "aws ec2 describe-vpcs",
        "aws ec2 create-network-acl-entry --ingress --rule-number 90 --protocol -1 --cidr-block 198.18.0.0/15 \\
  --rule-action deny --network-acl-id $(aws ec2 describe-network-acls --filters Name=vpc-id,Values=$VPC \\
  --query 'NetworkAcls[0].NetworkAclId' --output text)
aws ec2 describe-vpcs",
    )
    .noticed("list-acls", "198.18.0.0/15"),
    mutation(
        "a route more",
        "list-blocks",
        "aws ec2 describe-vpcs",
        "aws ec2 create-route --destination-cidr-block 198.18.0.0/15 --query Return > created \\
  --gateway-id $(aws ec2 describe-internet-gateways --query 'InternetGateways[0].InternetGatewayId' --output text) \\
  --route-table-id $(aws ec2 describe-route-tables --filters Name=vpc-id,Values=$VPC Name=association.main,Values=true \\
    --query 'RouteTables[0].RouteTableId' --output text)
aws ec2 describe-vpcs",
    )
    .noticed("list-routes", "198.18.0.0/15"),
    mutation(
        "a rule more",
        "list-blocks",
        "aws ec2 describe-vpcs",
        "aws ec2 authorize-security-group-ingress --group-id $DB_SG --protocol tcp --port 22 --cidr 0.0.0.0/0 > opened
aws ec2 describe-vpcs",
    )
    .noticed("list-rules", "0.0.0.0/0").further(),
    mutation(
        "ping not let in",
        "list-acls",
        "aws ec2",
        "aws ec2 revoke-security-group-ingress --group-id $DB_SG --query Return > revoked \\
  --ip-permissions 'IpProtocol=icmp,FromPort=-1,ToPort=-1,IpRanges=[{CidrIp=10.0.0.0/16}]'
aws ec2",
    )
    .noticed("ping-db", "exit status 1")
    .ends(),
    mutation("another port", "reach-port", "$WEB_IP 80", "$WEB_IP 81").noticed("reach-port", "telnet").ends().further(),
    // Ansible and Zabbix.
    mutation("Ansible fetched, not installed", "install-on-web", "-y install", "-y --download-only install")
        .noticed("ask-agent-in-vain", "exit status 127")
        .ends(),
    mutation("the collector runs", "install-on-web", "sudo systemctl mask zabbix-proxy\n", "")
        .noticed("show-masked-proxy", "enabled"),
    mutation("no door to the packages", "install-on-db", "-R 1080 ", "").noticed("install-on-db", "exit status").ends().further(),
    mutation("the agent fetched, not installed", "install-on-db", "-y install", "-y --download-only install")
        .noticed("ask-agent-again", "zabbix_get")
        .also(&["check-playbook"])
        .ends().further(),
    mutation("the agent let in from the beginning", "install-on-db", "ssh -F ssh-config -R", "aws ec2 \\
  authorize-security-group-ingress --group-id $DB_SG --protocol tcp --port 10050 --source-group $WEB_SG > opened
ssh -F ssh-config -R")
        .noticed("ask-agent-in-vain", "exit status 1, expected 124")
        .ends().further(),
    mutation("no rule for the agent", "allow-agent", "aws ec2", "echo True; : aws ec2")
        .noticed("ask-agent-again", "exit status 124")
        .also(&["show-agent-rule"])
        .ends(),
    mutation("a rule for another group", "allow-agent", "--source-group $WEB_SG", "--source-group $DB_SG")
        .noticed("ask-agent-again", "exit status 124")
        .also(&["show-agent-rule"])
        .ends().further(),
    mutation("a rule for everybody", "allow-agent", "--source-group $WEB_SG", "--cidr 0.0.0.0/0")
        .noticed("show-agent-rule", "0.0.0.0/0").further(),
    mutation("a rule for more ports", "allow-agent", "--port 10050", "--port 10050-10051")
        .noticed("show-agent-rule", "10051").further(),
    mutation("no key", "make-key-for-ansible", "ssh-keygen", ": ssh-keygen")
        .noticed("make-key-for-ansible", "exit status 1")
        .ends(),
    mutation("a key that all may read", "make-key-for-ansible", "stat -c", "chmod 644 ansible-key\nstat -c")
        .noticed("make-key-for-ansible", "644")
        .also(&["check-playbook"])
        .ends().further(),
    mutation("db does not know the key", "hand-over-keys", "'cat >> .ssh/authorized_keys'", "'cat > key'")
        .noticed("check-playbook", "UNREACHABLE")
        .ends(),
    mutation("web does not know db's host key", "hand-over-keys", "'cat >> .ssh/known_hosts'", "'cat > key'")
        .noticed("check-playbook", "exit status")
        .ends(),
    mutation("another machine", "write-inventory", "ansible_host=10.0.2.10", "ansible_host=10.0.2.11")
        .noticed("check-playbook", "UNREACHABLE")
        .ends().further(),
    mutation("another user", "write-inventory", "ansible_user=admin", "ansible_user=root")
        .noticed("check-playbook", "UNREACHABLE")
        .ends().further(),
    mutation("no key", "write-inventory", "ansible_ssh_private_key_file=ansible-key", "")
        .noticed("check-playbook", "UNREACHABLE")
        .ends(),
    mutation("no privileges", "write-playbook", "become: true", "become: false")
        .noticed("run-playbook", "exit status")
        .ends().further(),
    mutation("the agent answers to itself only", "write-playbook", "Server=127.0.0.1,10.0.1.10", "Server=127.0.0.1")
        .noticed("check-playbook", "Server=127.0.0.1")
        .also(&["run-playbook", "show-agent-config", "ask-agent"])
        .ends(),
    mutation("the agent answers to all", "write-playbook", "Server=127.0.0.1,10.0.1.10", "Server=0.0.0.0/0")
        .noticed("show-agent-config", "0.0.0.0/0")
        .also(&["check-playbook"]),
    mutation("another setting", "write-playbook", "\"^Server=\"", "\"^ServerActive=\"")
        .noticed("check-playbook", "ServerActive")
        .also(&["show-agent-config"]),
    mutation("no restart", "write-playbook", "      notify: Restart the agent\n", "")
        .noticed("run-playbook", "HANDLER")
        .also(&["check-playbook", "ask-agent"])
        .ends(),
    mutation("the agent stopped", "write-playbook", "state: started", "state: stopped")
        .noticed("check-playbook", "changed")
        .also(&["run-playbook", "run-playbook-again", "show-agent-config"])
        .ends().further(),
    mutation("the agent does not start at boot", "write-playbook", "enabled: true", "enabled: false")
        .noticed("show-agent-config", "disabled")
        .also(&["check-playbook", "run-playbook"])
        .ends(),
    mutation("done, not only looked at", "check-playbook", "--check --diff", "--diff")
        .noticed("run-playbook", "changed=0")
        .apart_from(&["run-playbook"]),
    mutation("the playbook only checked", "run-playbook", "monitoring.yaml", "monitoring.yaml --check")
        .noticed("run-playbook-again", "changed").further(),
    mutation("the database not stopped", "stop-database", "sudo systemctl", ": systemctl")
        .noticed("see-alarm", "1")
        .also(&["see-broken-blog"])
        .apart_from(&["start-database"]),
    mutation("the database not started", "start-database", "sudo systemctl", ": systemctl")
        .noticed("see-all-clear", "did not appear")
        .ends(),
];
