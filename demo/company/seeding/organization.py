"""The organization: root, units, accounts with tags, the policy that denies two APIs."""

from __future__ import annotations

import json
from typing import Any

from moto.iam.models import iam_backends
from moto.organizations import utils
from moto.organizations.models import OrganizationsBackend, organizations_backends

from demo.company.constants import PARTITION
from demo.company.model import Account, Plan
from demo.company.seeding.given import given


def seed(plan: Plan) -> None:
    backend = organizations_backends[plan.management.id][PARTITION]
    with given((utils, "make_random_org_id", plan.organization), (utils, "make_random_root_id", plan.root)):
        backend.create_organization(PARTITION, FeatureSet="ALL")
    first = backend.accounts[0]
    first.name, first.email = plan.management.name, _mail(plan.management)
    first.tags = dict(plan.management.tags)
    _units(plan, backend)
    ids = {unit.path: unit.id for unit in plan.units}
    for account in plan.accounts[1:]:
        _account(backend, account, ids.get(account.unit, plan.root))
    _policies(plan, backend)


def _units(plan: Plan, backend: OrganizationsBackend) -> None:
    ids: dict[str, str] = {}
    for unit in plan.units:
        with given((utils, "make_random_ou_id", unit.id)):
            backend.create_organizational_unit(Name=unit.name, ParentId=ids.get(unit.parent, plan.root))
        ids[unit.path] = unit.id


def _account(backend: OrganizationsBackend, account: Account, parent: str) -> None:
    with given((utils, "make_random_account_id", account.id)):
        backend.create_account(AccountName=account.name, Email=_mail(account))
    made: Any = backend.accounts[-1]
    made.parent_id, made.tags = parent, dict(account.tags)
    made.status = made.state = account.status
    iam_backends[account.id][PARTITION].roles.clear()  # moto's OrganizationAccountAccessRole has no policy


def _policies(plan: Plan, backend: OrganizationsBackend) -> None:
    for account in plan.accounts:
        if any(bucket.policy_denied for bucket in account.buckets):
            _resource_policy(backend, account)
        if account.denied and account is not plan.management:  # no such policy binds the management account
            deny = {"Effect": "Deny", "Action": list(account.denied), "Resource": "*"}
            content = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
            name = f"guard-{account.name}"
            made = backend.create_policy(
                Name=name, Description="Keeps reads away", Type="SERVICE_CONTROL_POLICY", Content=content
            )
            backend.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=account.id)
        if account.denied_regions:
            made = backend.create_policy(
                Name=f"regions-{account.name}",
                Description="Region deny",
                Type="SERVICE_CONTROL_POLICY",
                Content=json.dumps({"Version": "2012-10-17", "Statement": [_region_deny(account)]}),
            )
            backend.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=account.id)


def _resource_policy(backend: OrganizationsBackend, account: Account) -> None:
    """Denies the policies of some buckets to every caller, the scan role too: it was meant for strangers."""
    hidden = [bucket.arn for bucket in account.buckets if bucket.policy_denied]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetBucketPolicy", "Resource": hidden}
    made = backend.create_policy(
        Name=f"perimeter-{account.name}",
        Description="Data perimeter",
        Type="RESOURCE_CONTROL_POLICY",
        Content=json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
    )
    backend.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=account.id)


def _region_deny(account: Account) -> dict[str, Any]:
    """As AWS Control Tower writes it; what it leaves out is cut to what a scan asks for."""
    # https://docs.aws.amazon.com/controltower/latest/controlreference/primary-region-deny-policy.html
    return {
        "Sid": "GRREGIONDENY",
        "Effect": "Deny",
        "NotAction": [
            "account:*", "cloudtrail:LookupEvents", "ec2:DescribeRegions", "iam:*", "kms:*", "organizations:*",
            "s3:GetAccountPublic*", "s3:GetBucketLocation", "s3:GetBucketPolicyStatus",
            "s3:GetBucketPublicAccessBlock", "s3:ListAllMyBuckets", "sts:*",
        ],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": list(account.denied_regions)}},
    }  # fmt: skip


def _mail(account: Account) -> str:
    return f"aws+{account.name}@company.invalid"
