"""Unmodified boto3 against the region's endpoint (AWS_ENDPOINT_URL): every rule of a VPC that a client can see.

Each step is an assertion; the first that does not hold ends the program with its line. Nothing here knows how the
region is built. Expectations are AWS's documented behaviour.
"""

import base64
import hashlib
import os
import subprocess
import sys
import tempfile

import boto3
import botocore
from botocore.exceptions import ClientError

REGION = os.environ.get("AWS_DEFAULT_REGION", "us-east-1")
ec2 = boto3.client("ec2", region_name=REGION)
res = boto3.resource("ec2", region_name=REGION)


def fails(code, call, *args, **kwargs):
    """The call must be refused with this code; returns the message."""
    try:
        call(*args, **kwargs)
    except ClientError as error:
        found = error.response["Error"]["Code"]
        assert found == code, f"expected {code}, got {found}: {error.response['Error']['Message']}"
        return error.response["Error"]["Message"]
    raise AssertionError(f"expected {code}, but the call succeeded")


def tool(*command, given=None):
    return subprocess.run(command, input=given, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def public_half(private):
    """The public key of a private one, as OpenSSH sees it."""
    with tempfile.NamedTemporaryFile("w") as file:
        os.chmod(file.name, 0o400)
        file.write(private)
        file.flush()
        return tool("ssh-keygen", "-y", "-f", file.name).decode()


def name(kind, text):
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": text}]}]


def test_identity_and_places():
    identity = boto3.client("sts", region_name=REGION).get_caller_identity()
    assert len(identity["Account"]) == 12 and identity["Arn"].startswith("arn:aws:iam::" + identity["Account"])
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    assert zones and all(zone["RegionName"] == REGION for zone in zones)
    assert REGION in [region["RegionName"] for region in ec2.describe_regions()["Regions"]]
    ssm = boto3.client("ssm", region_name=REGION)
    path = "/aws/service/debian/release/13/latest/amd64"
    image = ssm.get_parameter(Name=path)["Parameter"]["Value"]
    assert ssm.get_parameters(Names=[path, "/nothing"])["InvalidParameters"] == ["/nothing"]
    fails("ParameterNotFound", ssm.get_parameter, Name="/nothing")
    found = ec2.describe_images(Owners=["136693071363"], Filters=[{"Name": "name", "Values": ["debian-13-amd64-*"]}])
    newest = max(found["Images"], key=lambda image: image["CreationDate"])
    assert newest["ImageId"] == image and newest["RootDeviceName"] == "/dev/xvda"
    types = ec2.describe_instance_types(InstanceTypes=["t3.micro"])["InstanceTypes"]
    assert types[0]["MemoryInfo"]["SizeInMiB"] == 1024 and types[0]["VCpuInfo"]["DefaultVCpus"] == 2
    fails("InvalidInstanceType", ec2.describe_instance_types, InstanceTypes=["m9.huge"])


def test_vpc_and_subnets():
    fails("InvalidVpc.Range", ec2.create_vpc, CidrBlock="10.0.0.0/8")
    fails("InvalidParameterValue", ec2.create_vpc, CidrBlock="10.0.0.0.0/16")
    fails("DryRunOperation", ec2.create_vpc, CidrBlock="10.0.0.0/16", DryRun=True)
    assert ec2.describe_vpcs()["Vpcs"] == []
    fails("VPCIdNotSpecified", ec2.create_security_group, GroupName="x", Description="x")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=name("vpc", "lab"))["Vpc"]
    vpc_id = vpc["VpcId"]
    assert vpc["State"] == "pending" and vpc["Tags"] == [{"Key": "Name", "Value": "lab"}]
    ec2.get_waiter("vpc_available").wait(VpcIds=[vpc_id])
    attribute = lambda a: ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute=a)
    assert attribute("enableDnsSupport")["EnableDnsSupport"] == {"Value": True}
    assert attribute("enableDnsHostnames")["EnableDnsHostnames"] == {"Value": False}
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    assert attribute("enableDnsHostnames")["EnableDnsHostnames"] == {"Value": True}
    of_vpc = [{"Name": "vpc-id", "Values": [vpc_id]}]
    (table,) = ec2.describe_route_tables(Filters=of_vpc)["RouteTables"]
    assert [(r["DestinationCidrBlock"], r["GatewayId"], r["State"]) for r in table["Routes"]] == [
        ("10.0.0.0/16", "local", "active")
    ]
    assert table["Associations"][0]["Main"] is True
    (acl,) = ec2.describe_network_acls(Filters=of_vpc)["NetworkAcls"]
    assert acl["IsDefault"] and len(acl["Entries"]) == 4
    (group,) = ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"]
    assert group["GroupName"] == "default"
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]

    subnet = lambda cidr, **more: ec2.create_subnet(VpcId=vpc_id, CidrBlock=cidr, **more)["Subnet"]
    public = subnet("10.0.1.0/24", TagSpecifications=name("subnet", "public"))
    assert public["AvailableIpAddressCount"] == 251 and public["AvailabilityZone"] == REGION + "a"
    fails("InvalidSubnet.Conflict", subnet, "10.0.1.128/25")
    fails("InvalidSubnet.Range", subnet, "10.1.0.0/24")
    fails("InvalidSubnet.Range", subnet, "10.0.2.0/29")
    fails("InvalidParameterValue", subnet, "10.0.2.0/24", AvailabilityZone="mars-1a")
    fails("InvalidVpcID.NotFound", ec2.create_subnet, VpcId="vpc-0123456789abcdef0", CidrBlock="10.0.2.0/24")
    fails("InvalidVpcID.Malformed", ec2.create_subnet, VpcId="vpc", CidrBlock="10.0.2.0/24")
    # The address is taken in canonical form.
    private = subnet("10.0.2.7/24", TagSpecifications=name("subnet", "private"))
    assert private["CidrBlock"] == "10.0.2.0/24"
    fails("MissingParameter", ec2.create_subnet, VpcId=vpc_id)
    found = ec2.describe_subnets(Filters=[{"Name": "tag:Name", "Values": ["pub*"]}])["Subnets"]
    assert [s["SubnetId"] for s in found] == [public["SubnetId"]]
    assert "colour" in fails(
        "InvalidParameterValue", ec2.describe_subnets, Filters=[{"Name": "colour", "Values": ["red"]}]
    )
    fails("InvalidSubnetID.NotFound", ec2.describe_subnets, SubnetIds=["subnet-0123456789abcdef0"])
    ec2.modify_subnet_attribute(SubnetId=public["SubnetId"], MapPublicIpOnLaunch={"Value": True})
    assert ec2.describe_subnets(SubnetIds=[public["SubnetId"]])["Subnets"][0]["MapPublicIpOnLaunch"]
    fails("DependencyViolation", ec2.delete_vpc, VpcId=vpc_id)
    return vpc_id, public["SubnetId"], private["SubnetId"]


def test_gateway_and_routes(vpc_id, public, private):
    gateway = ec2.create_internet_gateway(TagSpecifications=name("internet-gateway", "lab"))["InternetGateway"]
    gateway_id = gateway["InternetGatewayId"]
    table = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    route = dict(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)
    fails("InvalidParameterValue", ec2.create_route, **route)
    ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    fails("Resource.AlreadyAssociated", ec2.attach_internet_gateway, InternetGatewayId=gateway_id, VpcId=vpc_id)
    fails("DependencyViolation", ec2.delete_internet_gateway, InternetGatewayId=gateway_id)
    assert ec2.create_route(**route)["Return"] is True
    other = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    fails("InvalidParameterValue", ec2.attach_internet_gateway, InternetGatewayId=other, VpcId=vpc_id)
    ec2.delete_internet_gateway(InternetGatewayId=other)
    fails("InvalidInternetGatewayID.NotFound", ec2.delete_internet_gateway, InternetGatewayId=other)
    fails("InvalidParameterValue", ec2.create_route, RouteTableId=table, DestinationCidrBlock="10.0.1.0/24", GatewayId=gateway_id)
    fails("InvalidParameterValue", ec2.delete_route, RouteTableId=table, DestinationCidrBlock="10.0.0.0/16")
    fails("InvalidRoute.NotFound", ec2.delete_route, RouteTableId=table, DestinationCidrBlock="192.0.2.0/24")
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=public)["AssociationId"]
    fails("DependencyViolation", ec2.delete_route_table, RouteTableId=table)
    second = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    fails("Resource.AlreadyAssociated", ec2.associate_route_table, RouteTableId=second, SubnetId=public)
    moved = ec2.replace_route_table_association(AssociationId=association, RouteTableId=second)["NewAssociationId"]
    fails("InvalidAssociationID.NotFound", ec2.disassociate_route_table, AssociationId=association)
    ec2.replace_route_table_association(AssociationId=moved, RouteTableId=table)
    ec2.delete_route_table(RouteTableId=second)
    state = lambda: {
        r["DestinationCidrBlock"]: r["State"]
        for r in ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    }
    assert state()["0.0.0.0/0"] == "active"
    ec2.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    assert state()["0.0.0.0/0"] == "blackhole"
    fails("Gateway.NotAttached", ec2.detach_internet_gateway, InternetGatewayId=gateway_id, VpcId=vpc_id)
    ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    assert state()["0.0.0.0/0"] == "active"
    return gateway_id, table


def test_keys():
    made = ec2.create_key_pair(KeyName="rsa", TagSpecifications=name("key-pair", "rsa"))
    assert made["KeyMaterial"].startswith("-----BEGIN RSA PRIVATE KEY-----\n")
    fails("InvalidKeyPair.Duplicate", ec2.create_key_pair, KeyName="rsa")
    pem = made["KeyMaterial"].encode()
    assert b"Private-Key: (2048 bit" in tool("openssl", "rsa", "-noout", "-text", given=pem)
    # AWS documents these two commands as the way to compute its fingerprints.
    der = tool("openssl", "pkcs8", "-topk8", "-nocrypt", "-outform", "DER", given=pem)
    colons = lambda digest: ":".join(f"{byte:02x}" for byte in digest.digest())
    assert made["KeyFingerprint"] == colons(hashlib.sha1(der))
    shown = ec2.describe_key_pairs(KeyNames=["rsa"], IncludePublicKey=True)["KeyPairs"][0]
    line = public_half(made["KeyMaterial"])
    assert shown["PublicKey"].split()[:2] == line.split()[:2] and shown["KeyType"] == "rsa"
    public = tool("openssl", "rsa", "-pubout", "-outform", "DER", given=pem)
    imported = ec2.import_key_pair(KeyName="imported", PublicKeyMaterial=line.encode())
    assert imported["KeyFingerprint"] == colons(hashlib.md5(public))
    made = ec2.create_key_pair(KeyName="ed", KeyType="ed25519")
    blob = base64.b64decode(public_half(made["KeyMaterial"]).split()[1])
    assert made["KeyFingerprint"] == base64.b64encode(hashlib.sha256(blob).digest()).decode()
    fails("InvalidKey.Format", ec2.import_key_pair, KeyName="bad", PublicKeyMaterial=b"ssh-rsa nonsense")
    fails("InvalidKeyPair.NotFound", ec2.describe_key_pairs, KeyNames=["nobody"])
    ec2.delete_key_pair(KeyName="imported")
    assert ec2.delete_key_pair(KeyName="nobody")["Return"] is True
    return "rsa"


def test_groups(vpc_id):
    web = ec2.create_security_group(GroupName="WEB-SG", Description="web", VpcId=vpc_id)["GroupId"]
    db = ec2.create_security_group(GroupName="DB-SG", Description="db", VpcId=vpc_id)["GroupId"]
    fails("InvalidGroup.Duplicate", ec2.create_security_group, GroupName="DB-SG", Description="x", VpcId=vpc_id)
    shown = ec2.describe_security_groups(GroupIds=[web])["SecurityGroups"][0]
    assert shown["IpPermissions"] == [] and shown["IpPermissionsEgress"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]
    flat = dict(GroupId=web, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0")
    (rule,) = ec2.authorize_security_group_ingress(**flat)["SecurityGroupRules"]
    assert rule["SecurityGroupRuleId"].startswith("sgr-") and rule["CidrIpv4"] == "0.0.0.0/0"
    message = fails("InvalidPermission.Duplicate", ec2.authorize_security_group_ingress, **flat)
    assert message == 'the specified rule "peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW" already exists'
    fails("InvalidParameterValue", ec2.authorize_security_group_ingress, **{**flat, "FromPort": 23})
    fails("InvalidParameterValue", ec2.authorize_security_group_ingress, **{**flat, "CidrIp": "0.0.0.0/33"})
    fails("InvalidParameterValue", ec2.authorize_security_group_ingress, **{**flat, "IpProtocol": "teleport"})
    permissions = [
        {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "UserIdGroupPairs": [{"GroupId": web, "Description": "web"}]},
        {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]},
    ]
    rules = ec2.authorize_security_group_ingress(GroupId=db, IpPermissions=permissions)["SecurityGroupRules"]
    assert rules[0]["ReferencedGroupInfo"]["GroupId"] == web and rules[0]["Description"] == "web"
    assert rules[1]["FromPort"] == -1
    listed = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [db]}])["SecurityGroupRules"]
    assert len(listed) == 3 and sum(rule["IsEgress"] for rule in listed) == 1
    fails("DependencyViolation", ec2.delete_security_group, GroupId=web)
    update = {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "CidrIpv4": "10.0.1.0/24", "Description": "echo"}
    ec2.modify_security_group_rules(
        GroupId=db,
        SecurityGroupRules=[{"SecurityGroupRuleId": rules[1]["SecurityGroupRuleId"], "SecurityGroupRule": update}],
    )
    changed = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rules[1]["SecurityGroupRuleId"]])
    assert changed["SecurityGroupRules"][0]["CidrIpv4"] == "10.0.1.0/24"
    ec2.revoke_security_group_ingress(GroupId=db, SecurityGroupRuleIds=[rules[1]["SecurityGroupRuleId"]])
    ec2.revoke_security_group_ingress(GroupId=db, IpPermissions=permissions[:1])
    fails("InvalidPermission.NotFound", ec2.revoke_security_group_ingress, GroupId=db, IpPermissions=permissions[:1])
    assert ec2.describe_security_groups(GroupIds=[db])["SecurityGroups"][0]["IpPermissions"] == []
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.revoke_security_group_egress(GroupId=db, IpPermissions=everything)
    assert ec2.describe_security_groups(GroupIds=[db])["SecurityGroups"][0]["IpPermissionsEgress"] == []
    ec2.authorize_security_group_egress(GroupId=db, IpPermissions=everything)
    fails("InvalidGroup.NotFound", ec2.delete_security_group, GroupId="sg-0123456789abcdef0")
    return web, db


def test_instances(vpc_id, public, private, key, web, db, gateway_id):
    image = "resolve:ssm:/aws/service/debian/release/13/latest/amd64"
    run = lambda **more: ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, **more)
    fails("InvalidKeyPair.NotFound", run, SubnetId=public, KeyName="nobody")
    fails("VPCIdNotSpecified", run)
    fails("InvalidParameterValue", run, SubnetId=public, PrivateIpAddress="10.0.2.10")
    fails("InvalidParameterValue", run, SubnetId=public, PrivateIpAddress="10.0.1.3")
    fails("InvalidAMIID.NotFound", ec2.run_instances, ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, SubnetId=public)
    fails("InvalidParameterCombination", run, SubnetId=public, NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": public}])
    token = dict(
        SubnetId=public, PrivateIpAddress="10.0.1.10", KeyName=key, SecurityGroupIds=[web], ClientToken="once",
        TagSpecifications=name("instance", "web") + name("volume", "web"), UserData="#!/bin/sh\ntrue\n",
    )
    first = run(**token)
    (instance,) = first["Instances"]
    assert instance["State"] == {"Code": 0, "Name": "pending"} and instance["PrivateIpAddress"] == "10.0.1.10"
    again = run(**token)
    assert again["ReservationId"] == first["ReservationId"]
    fails("IdempotentParameterMismatch", run, **{**token, "PrivateIpAddress": "10.0.1.11"})
    fails("InvalidIPAddress.InUse", run, SubnetId=public, PrivateIpAddress="10.0.1.10")
    web_id = instance["InstanceId"]
    interface = [{"DeviceIndex": 0, "SubnetId": private, "PrivateIpAddress": "10.0.2.10", "Groups": [db], "AssociatePublicIpAddress": False}]
    db_id = run(NetworkInterfaces=interface, KeyName=key, TagSpecifications=name("instance", "db"))["Instances"][0]["InstanceId"]
    fails("InvalidInstanceID", ec2.associate_address, InstanceId=web_id, PublicIp=ec2.allocate_address()["PublicIp"])
    ec2.get_waiter("instance_running").wait(InstanceIds=[web_id, db_id], WaiterConfig={"Delay": 1})
    ec2.get_waiter("instance_status_ok").wait(InstanceIds=[web_id, db_id], WaiterConfig={"Delay": 1})
    describe = lambda id: ec2.describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"][0]
    web_now = describe(web_id)
    automatic = web_now["PublicIpAddress"]
    assert automatic.startswith("203.0.113.") and web_now["PublicDnsName"].startswith("ec2-203-0-113-")
    assert "PublicIpAddress" not in describe(db_id)
    assert base64.b64decode(
        ec2.describe_instance_attribute(InstanceId=web_id, Attribute="userData")["UserData"]["Value"]
    ) == b"#!/bin/sh\ntrue\n"
    volume = web_now["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    (shown,) = ec2.describe_volumes(VolumeIds=[volume])["Volumes"]
    assert (shown["Size"], shown["VolumeType"], shown["State"]) == (8, "gp3", "in-use")
    assert shown["Tags"] == [{"Key": "Name", "Value": "web"}]
    by = lambda *filters: [
        i["InstanceId"]
        for r in ec2.describe_instances(Filters=[{"Name": n, "Values": v} for n, v in filters])["Reservations"]
        for i in r["Instances"]
    ]
    assert by(("tag:Name", ["web"]), ("instance-state-name", ["running"])) == [web_id]
    assert by(("private-ip-address", ["10.0.2.*"])) == [db_id]
    assert by(("instance.group-id", [db])) == [db_id]
    console = ec2.get_console_output(InstanceId=web_id)["Output"]
    assert "-----BEGIN SSH HOST KEY KEYS-----" in console
    # The Elastic IP takes the place of the automatic address, for good.
    (address,) = ec2.describe_addresses()["Addresses"]
    allocation = address["AllocationId"]
    association = ec2.associate_address(AllocationId=allocation, InstanceId=web_id)["AssociationId"]
    assert ec2.associate_address(AllocationId=allocation, InstanceId=web_id)["AssociationId"] == association
    assert describe(web_id)["PublicIpAddress"] == address["PublicIp"] != automatic
    fails("Resource.AlreadyAssociated", ec2.associate_address, AllocationId=allocation, InstanceId=db_id, AllowReassociation=False)
    fails("InvalidIPAddress.InUse", ec2.release_address, AllocationId=allocation)
    message = fails("DependencyViolation", ec2.detach_internet_gateway, InternetGatewayId=gateway_id, VpcId=vpc_id)
    assert message.startswith(f"Network {vpc_id} has some mapped public address(es).")
    interface = describe(web_id)["NetworkInterfaces"][0]
    shown = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface["NetworkInterfaceId"]])["NetworkInterfaces"][0]
    assert shown["Association"]["AllocationId"] == allocation and shown["Status"] == "in-use"
    fails("InvalidParameterValue", ec2.delete_network_interface, NetworkInterfaceId=interface["NetworkInterfaceId"])
    ec2.modify_instance_attribute(InstanceId=web_id, SourceDestCheck={"Value": False})
    assert describe(web_id)["NetworkInterfaces"][0]["SourceDestCheck"] is False
    fails("DependencyViolation", ec2.delete_subnet, SubnetId=private)
    fails("DependencyViolation", ec2.delete_security_group, GroupId=db)
    # Stop and start: the address stays, an automatic one would not.
    fails("IncorrectInstanceState", ec2.modify_instance_attribute, InstanceId=db_id, InstanceType={"Value": "t3.small"})
    change = ec2.stop_instances(InstanceIds=[db_id])["StoppingInstances"][0]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("running", "stopping")
    fails("IncorrectInstanceState", ec2.start_instances, InstanceIds=[db_id])
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[db_id], WaiterConfig={"Delay": 1})
    ec2.modify_instance_attribute(InstanceId=db_id, InstanceType={"Value": "t3.small"})
    ec2.start_instances(InstanceIds=[db_id])
    ec2.get_waiter("instance_running").wait(InstanceIds=[db_id], WaiterConfig={"Delay": 1})
    assert describe(db_id)["PrivateIpAddress"] == "10.0.2.10" and describe(db_id)["InstanceType"] == "t3.small"
    ec2.reboot_instances(InstanceIds=[db_id])
    fails("InvalidInstanceID.NotFound", ec2.stop_instances, InstanceIds=["i-0123456789abcdef0"])
    fails("InvalidInstanceID.Malformed", ec2.stop_instances, InstanceIds=["web"])
    ec2.modify_instance_attribute(InstanceId=db_id, DisableApiTermination={"Value": True})
    fails("OperationNotPermitted", ec2.terminate_instances, InstanceIds=[db_id])
    ec2.modify_instance_attribute(InstanceId=db_id, DisableApiTermination={"Value": False})
    return [web_id, db_id], allocation


def test_nat_gateway(vpc_id, public, private):
    allocation = ec2.allocate_address()["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=public, AllocationId=allocation)["NatGateway"]
    nat_id = nat["NatGatewayId"]
    assert nat["State"] == "pending"
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat_id], WaiterConfig={"Delay": 1})
    table = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat_id)
    fails("AuthFailure", ec2.release_address, AllocationId=allocation)
    ec2.delete_nat_gateway(NatGatewayId=nat_id)
    ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[nat_id], WaiterConfig={"Delay": 1})
    routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    assert routes[1]["State"] == "blackhole" and routes[1]["NatGatewayId"] == nat_id
    ec2.release_address(AllocationId=allocation)
    ec2.delete_route_table(RouteTableId=table)


def test_tags_and_pages(vpc_id, instances):
    ec2.create_tags(Resources=[vpc_id] + instances, Tags=[{"Key": "course", "Value": "network"}])
    found = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["course"]}])["Tags"]
    assert sorted(tag["ResourceId"] for tag in found) == sorted([vpc_id] + instances)
    ec2.delete_tags(Resources=[vpc_id], Tags=[{"Key": "course", "Value": "other"}])
    ec2.delete_tags(Resources=instances, Tags=[{"Key": "course"}])
    found = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["course"]}])["Tags"]
    assert [tag["ResourceId"] for tag in found] == [vpc_id]
    fails("InvalidID", ec2.create_tags, Resources=["nonsense"], Tags=[{"Key": "a", "Value": "b"}])
    fails("InvalidParameterValue", ec2.create_tags, Resources=[vpc_id], Tags=[{"Key": "aws:x", "Value": "b"}])
    for number in range(7):
        ec2.create_security_group(GroupName=f"page-{number}", Description="x", VpcId=vpc_id)
    pages = ec2.get_paginator("describe_security_groups").paginate(PaginationConfig={"PageSize": 5})
    names = [group["GroupName"] for page in pages for group in page["SecurityGroups"]]
    assert len(names) == len(set(names)) == 10
    for group in res.Vpc(vpc_id).security_groups.filter(Filters=[{"Name": "group-name", "Values": ["page-*"]}]):
        group.delete()


def test_acls(vpc_id, private):
    acl = ec2.create_network_acl(VpcId=vpc_id)["NetworkAcl"]["NetworkAclId"]
    entry = dict(NetworkAclId=acl, RuleNumber=100, Protocol="6", RuleAction="allow", Egress=False,
                 CidrBlock="0.0.0.0/0", PortRange={"From": 22, "To": 22})
    ec2.create_network_acl_entry(**entry)
    fails("NetworkAclEntryAlreadyExists", ec2.create_network_acl_entry, **entry)
    ec2.replace_network_acl_entry(**{**entry, "RuleAction": "deny"})
    of_subnet = [{"Name": "association.subnet-id", "Values": [private]}]
    (default,) = ec2.describe_network_acls(Filters=of_subnet)["NetworkAcls"]
    (old,) = [a["NetworkAclAssociationId"] for a in default["Associations"] if a["SubnetId"] == private]
    new = ec2.replace_network_acl_association(AssociationId=old, NetworkAclId=acl)["NewAssociationId"]
    fails("DependencyViolation", ec2.delete_network_acl, NetworkAclId=acl)
    ec2.replace_network_acl_association(AssociationId=new, NetworkAclId=default["NetworkAclId"])
    ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Egress=False)
    fails("InvalidNetworkAclEntry.NotFound", ec2.delete_network_acl_entry, NetworkAclId=acl, RuleNumber=100, Egress=False)
    ec2.delete_network_acl(NetworkAclId=acl)


def test_take_down(vpc_id, public, private, gateway_id, table, instances, allocation, groups):
    ec2.terminate_instances(InstanceIds=instances)
    ec2.get_waiter("instance_terminated").wait(InstanceIds=instances, WaiterConfig={"Delay": 1})
    for reservation in ec2.describe_instances(InstanceIds=instances)["Reservations"]:
        for instance in reservation["Instances"]:
            assert instance["State"]["Name"] == "terminated" and instance["NetworkInterfaces"] == []
            assert instance["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    assert ec2.describe_volumes()["Volumes"] == [] and ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    assert "AssociationId" not in ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0]
    ec2.release_address(AllocationId=allocation)
    fails("InvalidAllocationID.NotFound", ec2.release_address, AllocationId=allocation)
    for group in groups:
        ec2.delete_security_group(GroupId=group)
    fails("DependencyViolation", ec2.delete_vpc, VpcId=vpc_id)
    for subnet in (public, private):
        ec2.delete_subnet(SubnetId=subnet)
    fails("DependencyViolation", ec2.delete_vpc, VpcId=vpc_id)
    ec2.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
    ec2.delete_internet_gateway(InternetGatewayId=gateway_id)
    fails("DependencyViolation", ec2.delete_vpc, VpcId=vpc_id)
    ec2.delete_route_table(RouteTableId=table)
    ec2.delete_vpc(VpcId=vpc_id)
    fails("InvalidVpcID.NotFound", ec2.delete_vpc, VpcId=vpc_id)
    for listed in (ec2.describe_route_tables()["RouteTables"], ec2.describe_network_acls()["NetworkAcls"],
                   ec2.describe_security_groups()["SecurityGroups"], ec2.describe_addresses()["Addresses"]):
        assert listed == []


def test_default_vpc():
    vpc_id = ec2.create_default_vpc()["Vpc"]["VpcId"]
    fails("DefaultVpcAlreadyExists", ec2.create_default_vpc)
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    assert len(subnets) == len(ec2.describe_availability_zones()["AvailabilityZones"])
    image = ec2.describe_images(Owners=["136693071363"])["Images"][0]["ImageId"]
    (instance,) = ec2.run_instances(ImageId=image, InstanceType="t2.micro", MinCount=1, MaxCount=1)["Instances"]
    assert instance["VpcId"] == vpc_id
    ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[instance["InstanceId"]], WaiterConfig={"Delay": 1})


def test_accounts_and_signatures():
    other_region = "eu-west-1" if REGION != "eu-west-1" else "us-east-1"
    assert boto3.client("ec2", region_name=other_region).describe_vpcs()["Vpcs"] == []
    wrong = boto3.client("ec2", region_name=REGION, aws_secret_access_key="wrong",
                         aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"])
    fails("AuthFailure", wrong.describe_vpcs)
    unknown = boto3.client("ec2", region_name=REGION, aws_secret_access_key="x", aws_access_key_id="AKIANOBODY")
    fails("AuthFailure", unknown.describe_vpcs)
    wrong = boto3.client("sts", region_name=REGION, aws_secret_access_key="wrong",
                         aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"])
    fails("SignatureDoesNotMatch", wrong.get_caller_identity)
    if "LAB_SECOND_ACCESS_KEY_ID" in os.environ:
        second = boto3.client("ec2", region_name=REGION, aws_access_key_id=os.environ["LAB_SECOND_ACCESS_KEY_ID"],
                              aws_secret_access_key=os.environ["LAB_SECOND_SECRET_ACCESS_KEY"])
        assert second.describe_vpcs()["Vpcs"] == []


def main():
    test_identity_and_places()
    vpc_id, public, private = test_vpc_and_subnets()
    gateway_id, table = test_gateway_and_routes(vpc_id, public, private)
    key = test_keys()
    groups = test_groups(vpc_id)
    instances, allocation = test_instances(vpc_id, public, private, key, *groups, gateway_id)
    test_nat_gateway(vpc_id, public, private)
    test_tags_and_pages(vpc_id, instances)
    test_acls(vpc_id, private)
    test_take_down(vpc_id, public, private, gateway_id, table, instances, allocation, groups)
    test_default_vpc()
    test_accounts_and_signatures()
    print("boto3", boto3.__version__, "botocore", botocore.__version__, "python", sys.version.split()[0], "ok")


if __name__ == "__main__":
    main()
