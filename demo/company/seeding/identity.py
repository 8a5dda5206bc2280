"""IAM users, groups, roles, policies and the root user."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from moto.iam.models import AccessKey, AccessKeyLastUsed, AWSManagedPolicy, IAMBackend, ManagedPolicy, iam_backends

from demo.cloud.aws_policies import published
from demo.company.constants import ACCESS_KEY, HUB_USER, PARTITION, SECRET_KEY
from demo.company.model import Account, Plan, Thing

MADE = datetime(2015, 2, 6)  # noqa: DTZ001 - moto keeps naive UTC
DEFAULTS = {"account_id": "aws", "region": "us-east-1", "create_date": MADE, "update_date": MADE}


def seed(plan: Plan, account: Account) -> None:
    backend = iam_backends[account.id][PARTITION]
    now = datetime.fromisoformat(plan.now).replace(tzinfo=None)
    policies = {thing.arn: _policy(backend, account, thing) for thing in account.of("policy")}
    for thing in account.of("group"):
        group = backend.create_group(thing.data["name"])
        _attach(backend, group, thing, policies)
    for thing in account.of("role"):
        trust = json.dumps(thing.data["trust"])
        role = backend.create_role(
            thing.data["name"], trust, thing.data["path"], thing.data["boundary"], "", [], "3600"
        )
        _attach(backend, role, thing, policies)
    for thing in account.of("user"):
        _user(backend, account, thing, policies, now)
    for thing in account.of("password_policy"):
        backend.update_account_password_policy(**thing.data)


def _policy(backend: IAMBackend, account: Account, thing: Thing) -> ManagedPolicy:
    text = json.dumps(thing.data["document"])
    policy = ManagedPolicy(thing.data["name"], account.id, "us-east-1", document=text, path="/")
    policy.__dict__.setdefault("document", text)  # moto keeps it by version only; demo.cloud reads the policy's own
    backend.managed_policies[policy.arn] = policy
    return policy


def _attach(backend: IAMBackend, principal: Any, thing: Thing, policies: dict[str, ManagedPolicy]) -> None:
    for arn in thing.data["attached"]:
        (policies.get(arn) or _aws_managed(backend, arn)).attach_to(principal)
    for name, document in thing.data.get("inline", {}).items():
        principal.put_policy(name, json.dumps(document))


def _aws_managed(backend: IAMBackend, arn: str) -> ManagedPolicy:
    """Only those that are attached: moto takes seconds an account to load all of them."""
    if arn not in backend.managed_policies:
        path, _, name = arn.partition(":policy")[2].rpartition("/")
        version, document = published(arn)
        text = json.dumps(document)
        made = AWSManagedPolicy(name, default_version_id=version, path=f"{path}/", document=text, **DEFAULTS)
        made.__dict__.setdefault("document", text)
        backend.managed_policies[arn] = made
    return backend.managed_policies[arn]


def _user(
    backend: IAMBackend, account: Account, thing: Thing, policies: dict[str, ManagedPolicy], now: datetime
) -> None:
    data = thing.data
    user = backend.create_user("us-east-1", data["name"], data["path"])
    user.create_date = now - timedelta(days=500)
    if data["password"] is not None:
        user.password = "never-used-here"
        user.password_last_used = now - timedelta(days=data["password"])
    if data["mfa"]:
        backend.enable_mfa_device(
            data["name"], f"arn:{PARTITION}:iam::{account.id}:mfa/{data['name']}", "000000", "000001"
        )
    for age, idle in data["keys"]:
        _key(backend, account, user, now - timedelta(days=age), now - timedelta(days=idle))
    for group in data["groups"]:
        backend.add_user_to_group(group, data["name"])
    _attach(backend, user, thing, policies)


def _key(backend: IAMBackend, account: Account, user: Any, made: datetime, used: datetime) -> None:
    key = AccessKey(user.name, prefix="AKIA", account_id=account.id)
    if user.name == HUB_USER:
        key.access_key_id, key.secret_access_key = ACCESS_KEY, SECRET_KEY
    key.create_date = made
    key.last_used = AccessKeyLastUsed(timestamp=used, service="ssm", region="us-east-1")
    user.access_keys.append(key)
    backend.access_keys[key.access_key_id] = key
