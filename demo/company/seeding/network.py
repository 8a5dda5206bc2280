"""EC2: VPCs with their nodes and endpoints, and the default encryption of disks."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import moto.ec2.models.elastic_block_store as volumes_module
import moto.ec2.models.instances as instances_module
import moto.ec2.models.launch_templates as templates_module
import moto.ec2.models.security_groups as groups_module
import moto.ec2.models.vpcs as vpcs_module
from moto.core.types import Base64EncodedString
from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance

from demo.cloud.state import Extra, extra
from demo.company.model import Account, Plan, Thing
from demo.company.network import volume_id
from demo.company.seeding.given import given

# Kind of a region's setting -> where the state keeps it, and its name in the plan.
REGIONAL = {
    "snapshot_access": ("snapshot_access", "state"),
    "metadata_defaults": ("metadata_tokens", "tokens"),
    "snapshots": ("public_snapshots", "public"),
}


def seed(plan: Plan, account: Account) -> None:
    subnets: dict[str, str] = {}
    launched = datetime.fromisoformat(plan.now) - timedelta(days=30)
    for thing in account.things:
        if thing.kind == "disks" and thing.data["encrypted"]:
            ec2_backends[account.id][thing.region].ebs_encryption_by_default = True
        elif thing.kind in REGIONAL:
            attribute, name = REGIONAL[thing.kind]
            setattr(extra(account.id, thing.region), attribute, thing.data[name])
        elif thing.kind == "vpc":
            subnets[thing.data["id"]] = _vpc(ec2_backends[account.id][thing.region], thing)
            _surroundings(extra(account.id, thing.region), thing)
        elif thing.kind == "instance":
            backend = ec2_backends[account.id][thing.region]
            _instance(backend, thing, subnets[thing.data["vpc"]]).launch_time = launched.replace(tzinfo=None)
            _agent(extra(account.id, thing.region), thing)
            if thing.data.get("ended"):
                _end(backend, extra(account.id, thing.region), thing)
        elif thing.kind == "launch_template":
            _template(ec2_backends[account.id][thing.region], thing)
        elif thing.kind == "endpoint":
            _endpoint(ec2_backends[account.id][thing.region], thing, subnets[thing.data["vpc"]])


def _vpc(backend: Any, thing: Thing) -> str:
    data = thing.data
    with given((vpcs_module, "random_vpc_id", data["id"])):
        vpc = backend.create_vpc(data["cidr"])
    vpc.enable_dns_support, vpc.enable_dns_hostnames = True, data["hostnames"]
    block = next(ip_network(data["cidr"]).subnets(new_prefix=24))
    return str(backend.create_subnet(vpc.id, str(block)).id)


def _surroundings(held: Extra, thing: Thing) -> None:
    data = thing.data
    if data["owner"]:
        held.vpc_owners[data["id"]] = data["owner"]
    if data["routes"]:
        held.vpc_routes[data["id"]] = list(data["routes"])
    if data["encryption"]:
        held.vpc_encryption[data["id"]] = data["encryption"]


def _agent(held: Extra, thing: Thing) -> None:
    if thing.data.get("unmanaged"):
        held.unmanaged.add(thing.data["id"])
    elif thing.data["agent"]:
        held.agents[thing.data["id"]] = thing.data["agent"]


def _instance(backend: Any, thing: Thing, subnet: str) -> Any:
    data = thing.data
    volume = volume_id(data["id"])
    with given((instances_module, "random_instance_id", data["id"]), (volumes_module, "random_volume_id", volume)):
        reservation = backend.run_instances(
            "",
            1,
            None,
            [],
            subnet_id=subnet,
            instance_type=data["type"],
            region_name=backend.region_name,
            is_instance_type_default=False,
            tags={"instance": data.get("tags", {})},
            metadata_options={"HttpTokens": data["tokens"]},
        )
    backend.volumes[volume].encrypted = data["encrypted"]
    if "user_data" in data:
        reservation.instances[0].user_data = Base64EncodedString(encode(data["user_data"]))
    return reservation.instances[0]


class Ended(Instance):
    """moto goes on to tell of them."""

    vpc_id = subnet_id = None


def _end(backend: Any, held: Extra, thing: Thing) -> None:
    """As EC2 shows a terminated instance: without VPC, subnet and volumes."""
    id = thing.data["id"]
    backend.terminate_instances([id])
    instance = backend.get_instance(id)
    instance.__class__, instance.block_device_mapping = Ended, {}
    held.ended_nodes.append(id)


def _template(backend: Any, thing: Thing) -> None:
    data = thing.data
    first, *later = ({"UserData": Base64EncodedString(encode(text))} if text else {} for text in data["texts"])
    with given((templates_module, "random_launch_template_id", data["id"])):
        template = backend.create_launch_template(data["name"], "first", first, {})
    for content in later:
        template.create_version(content, "later")


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _endpoint(backend: Any, thing: Thing, subnet: str) -> None:
    data = thing.data
    policy = json.dumps(data["policy"]) if data["policy"] else None
    if data["gateway"]:
        with given((vpcs_module, "random_vpc_ep_id", data["id"])):
            backend.create_vpc_endpoint(data["vpc"], data["service"], "Gateway", policy, [])
        return
    with given((groups_module, "random_security_group_id", data["group"])):
        group = backend.create_security_group(data["id"], "Endpoint", vpc_id=data["vpc"])
    if data["open_to"]:
        backend.authorize_security_group_ingress(
            group.id, "tcp", "443", "443", [{"CidrIp": data["open_to"]}], vpc_id=data["vpc"]
        )
    with given((vpcs_module, "random_vpc_ep_id", data["id"])):
        backend.create_vpc_endpoint(
            data["vpc"],
            data["service"],
            "Interface",
            policy,
            [],
            subnet_ids=[subnet],
            security_group_ids=[group.id],
            private_dns_enabled=data["private_dns"],
        )
    if data["gone"]:
        del backend.groups[data["vpc"]][group.id]
