"""An organization of three accounts, served; clients as a user of an account or as an assumed role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.iam.models import iam_backends
from moto.organizations.models import organizations_backends

from demo.cloud.server import Server, serve
from demo.company.seed import clear

HUB = "111122223333"
EXTERNAL_ID = "an-external-id"
ROLE = "Scan"
ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(principal: str, external_id: str | None = EXTERNAL_ID, **more: Any) -> str:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    if external_id:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return policy(statement | more)


def code(raised: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    answer = raised.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@dataclass
class World:
    """Credentials: those of the account's user, else what `assume` returned."""

    server: Server
    hub: str = HUB
    keys: dict[str, dict[str, str]] = field(default_factory=dict)
    clients: list[Any] = field(default_factory=list)

    @property
    def organization(self) -> Any:
        return organizations_backends[self.hub]["aws"]

    def member(self, name: str = "member", role: bool = True) -> str:
        """A new account of the organization; with a scan role that may do everything."""
        self.organization.create_account(AccountName=name, Email=f"{name}@company.invalid")
        account = str(self.organization.accounts[-1].id)
        if role:
            self.role(account)
        return account

    def role(self, account: str, name: str = ROLE, trusted: str = "", allows: str = "", **more: str) -> Any:
        trusted = trusted or trust(f"arn:aws:iam::{self.hub}:root")
        made = iam_backends[account]["aws"].create_role(name, trusted, more.get("path", "/"), None, "", [], "3600")
        made.put_policy("what", allows or policy(ALLOW_ALL))
        return made

    def user(self, account: str) -> dict[str, str]:
        if account not in self.keys:
            backend = iam_backends[account]["aws"]
            backend.create_user("us-east-1", "hub", "/")
            key = backend.create_access_key("hub")
            self.keys[account] = {
                "aws_access_key_id": key.access_key_id,
                "aws_secret_access_key": key.secret_access_key,
            }
        return self.keys[account]

    def client(self, service: str, account: str = HUB, region: str = "eu-west-1", **credentials: str) -> Any:
        config = Config(
            retries={"total_max_attempts": 1},
            read_timeout=60,
            s3={"addressing_style": "path"},
            inject_host_prefix=False,
        )
        made = boto3.client(
            service,
            region_name=region,
            endpoint_url=self.server.url,
            config=config,
            **credentials or self.user(account),
        )
        if service == "s3control":
            # The account id goes before the host's name, which is a number here.
            made.meta.events.register(
                "before-send.s3-control",
                lambda request, **_: setattr(request, "url", request.url.replace(f"//{account}.", "//")),
            )
        self.clients.append(made)
        return made

    def assume(self, account: str, role: str = ROLE, by: Any = None, **more: Any) -> dict[str, str]:
        sts = by or self.client("sts")
        wanted = {"RoleSessionName": "scan-1", "ExternalId": EXTERNAL_ID} | more
        wanted = {name: value for name, value in wanted.items() if value is not None}
        given = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/{role}", **wanted)["Credentials"]
        return {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }

    def deny(self, target: str, *actions: str, **more: Any) -> None:
        """A service control policy."""
        content = policy({"Effect": "Deny", "Action": list(actions), "Resource": "*"} | more)
        made = self.organization.create_policy(
            Name=f"deny-{len(self.organization.policies)}",
            Description="",
            Type="SERVICE_CONTROL_POLICY",
            Content=content,
        )
        self.organization.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=target)

    def close(self) -> None:
        for client in self.clients:
            client.close()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    clear()
    with serve() as server:
        made = World(server)
        organizations_backends[HUB]["aws"].create_organization("aws", FeatureSet="ALL")
        yield made
        made.close()
    clear()


@pytest.fixture
def account(world: World) -> str:
    return world.member()
