#!/usr/bin/env python3
"""Cut botocore's service models down to what `lab` speaks.

    python3 -m venv venv && venv/bin/pip install botocore
    venv/bin/python tools/trim-model.py src/wire/model

writes ec2.json, sts.json and ssm.json into the given directory. The models are data of botocore, which is
licensed under the Apache License 2.0; each file names its source and version.

The output is JSON with one entry a line inside each section, sorted by name: `wire::Service` finds an entry by
its line and parses only the entries that a call needs. Keep that layout.
"""

import json
import sys
from pathlib import Path

import botocore
from botocore.loaders import Loader

EC2 = """
AcceptVpcPeeringConnection AllocateAddress AssociateAddress AssociateDhcpOptions AssociateRouteTable
AttachInternetGateway AttachNetworkInterface AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress
CreateDefaultVpc CreateDhcpOptions CreateFlowLogs CreateInternetGateway CreateKeyPair CreateNatGateway
CreateNetworkAcl CreateNetworkAclEntry CreateNetworkInterface CreateRoute CreateRouteTable CreateSecurityGroup
CreateSubnet CreateTags CreateVolume CreateVpc CreateVpcPeeringConnection
DeleteDhcpOptions DeleteFlowLogs DeleteInternetGateway DeleteKeyPair DeleteNatGateway DeleteNetworkAcl
DeleteNetworkAclEntry DeleteNetworkInterface DeleteRoute DeleteRouteTable DeleteSecurityGroup DeleteSubnet DeleteTags
DeleteVolume DeleteVpc DeleteVpcPeeringConnection
DescribeAccountAttributes DescribeAddresses DescribeAddressesAttribute DescribeAvailabilityZones DescribeDhcpOptions
DescribeFlowLogs DescribeImages DescribeInstanceAttribute DescribeInstanceCreditSpecifications DescribeInstanceStatus
DescribeInstanceTypeOfferings DescribeInstanceTypes DescribeInstances DescribeInternetGateways DescribeKeyPairs
DescribeNatGateways DescribeNetworkAcls DescribeNetworkInterfaceAttribute DescribeNetworkInterfaces
DescribePrefixLists DescribeRegions DescribeRouteTables DescribeSecurityGroupReferences DescribeSecurityGroupRules
DescribeSecurityGroups DescribeStaleSecurityGroups DescribeSubnets DescribeTags DescribeVolumes
DescribeVpcAttribute DescribeVpcPeeringConnections DescribeVpcs
DetachInternetGateway DetachNetworkInterface DisassociateAddress DisassociateRouteTable
GetConsoleOutput ImportKeyPair
ModifyInstanceAttribute ModifyInstanceMetadataOptions ModifyNetworkInterfaceAttribute ModifySecurityGroupRules
ModifySubnetAttribute ModifyVpcAttribute MonitorInstances UnmonitorInstances
RebootInstances ReleaseAddress ReplaceNetworkAclAssociation ReplaceNetworkAclEntry ReplaceRoute
ReplaceRouteTableAssociation ResetInstanceAttribute ResetNetworkInterfaceAttribute
RevokeSecurityGroupEgress RevokeSecurityGroupIngress RunInstances StartInstances StopInstances TerminateInstances
AssignPrivateIpAddresses UnassignPrivateIpAddresses
UpdateSecurityGroupRuleDescriptionsEgress UpdateSecurityGroupRuleDescriptionsIngress
""".split()
STS = ["GetCallerIdentity"]
SSM = ["GetParameter", "GetParameters", "GetParametersByPath"]

METADATA = ("apiVersion", "protocol", "serviceId", "endpointPrefix", "signingName", "targetPrefix", "jsonVersion", "xmlNamespace")
SHAPE = ("type", "enum", "required", "flattened", "locationName", "queryName", "timestampFormat", "sensitive", "min", "max")
MEMBER = ("shape", "locationName", "queryName", "flattened", "idempotencyToken", "timestampFormat")


def pick(source, keys):
    return {key: source[key] for key in keys if key in source}


def trim_shape(shape):
    out = pick(shape, SHAPE)
    if "members" in shape:
        out["members"] = {name: pick(member, MEMBER) for name, member in shape["members"].items()}
    for part in ("member", "key", "value"):
        if part in shape:
            out[part] = pick(shape[part], MEMBER)
    return out


def references(shape):
    yield from (member["shape"] for member in shape.get("members", {}).values())
    yield from (shape[part]["shape"] for part in ("member", "key", "value") if part in shape)


def trim(loader, service, wanted):
    model = loader.load_service_model(service, "service-2")
    missing = set(wanted) - set(model["operations"])
    if missing:
        sys.exit(f"{service} has no operation {', '.join(sorted(missing))}")
    operations, queue = {}, []
    for name in wanted:
        operation = model["operations"][name]
        out = {"name": operation["name"]}
        for side in ("input", "output"):
            if side in operation:
                out[side] = pick(operation[side], ("shape", "resultWrapper"))
                queue.append(operation[side]["shape"])
        operations[name] = out
    shapes = {}
    while queue:
        name = queue.pop()
        if name not in shapes:
            shapes[name] = trim_shape(model["shapes"][name])
            queue.extend(references(shapes[name]))
    sections = {"operations": operations, "shapes": shapes, "paginators": {}, "waiters": {}}
    for section, kind, operation_of in (
        ("paginators", "paginators-1", lambda name, _: name),
        ("waiters", "waiters-2", lambda _, entry: entry["operation"]),
    ):
        try:
            entries = loader.load_service_model(service, kind)
        except Exception:  # a service without waiters
            continue
        entries = entries["pagination" if section == "paginators" else "waiters"]
        sections[section] = {
            name: {key: value for key, value in entry.items() if key != "description"}
            for name, entry in entries.items()
            if operation_of(name, entry) in operations
        }
    metadata = pick(model["metadata"], METADATA)
    return metadata, sections


def dump(value):
    return json.dumps(value, separators=(",", ":"))


def write(path, service, metadata, sections):
    source = f"botocore {botocore.__version__}, botocore/data/{service}/{metadata['apiVersion']}"
    lines = [
        "{",
        f'"source":{dump(source)},',
        '"licence":"Apache-2.0; Copyright Amazon.com, Inc. or its affiliates. Trimmed by tools/trim-model.py.",',
        f'"metadata":{dump(metadata)},',
    ]
    names = list(sections)
    for section in names:
        lines.append(f'"{section}":{{')
        entries = sorted(sections[section].items())
        for index, (name, entry) in enumerate(entries):
            comma = "," if index + 1 < len(entries) else ""
            lines.append(f'"{name}":{dump(entry)}{comma}')
        lines.append("}" if section == names[-1] else "},")
    lines.append("}")
    path.write_text("\n".join(lines) + "\n")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    directory = Path(sys.argv[1])
    loader = Loader()
    loader.include_default_search_paths = False
    loader.search_paths[:] = [Loader.BUILTIN_DATA_PATH]
    for service, wanted in (("ec2", EC2), ("sts", STS), ("ssm", SSM)):
        metadata, sections = trim(loader, service, wanted)
        write(directory / f"{service}.json", service, metadata, sections)
        print(f"{service}: {len(sections['operations'])} operations, {len(sections['shapes'])} shapes")


if __name__ == "__main__":
    main()
