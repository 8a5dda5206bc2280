"""An organization to scan, and what reading an account gives in place of AWS."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.models import Account, Organization, OrganizationalUnit
from governance.core.policy import Actor, GrantFact, Role, ScopeKind
from scans.domain.evidence import Evidence
from scans.models import Scan, Target
from scans.pipeline import account_reader, target_worker

REGION = "eu-west-1"
Collect = Callable[[account_reader.CollectionPlan], account_reader.CollectionResult]


def company(*names: str, org_id: str = "o-1") -> Organization:
    """Accounts by name, in one OU below the root; the first is the management account."""
    made = Organization.objects.create(org_id=org_id, partition="aws", management_account_id="111122223333")
    root = unit(made, "r-1", "Root")
    for number, name in enumerate(names or ("management", "payments", "sandbox")):
        Account.objects.create(organization=made, account_id=f"{111122223333 + number}", name=name, ou=root)
    return made


def unit(
    organization: Organization, id: str, name: str, parent: OrganizationalUnit | None = None
) -> OrganizationalUnit:
    path = f"{parent.path if parent else '/'}{id}/"
    return OrganizationalUnit.objects.create(organization=organization, ou_id=id, name=name, parent=parent, path=path)


def holding(role: Role, scope: ScopeKind, scope_id: str) -> Actor:
    return Actor(name="p", grants=(GrantFact(role, scope, scope_id),), user_id=1)


def volumes(plan: account_reader.CollectionPlan, *, encrypted: bool = True) -> account_reader.CollectionResult:
    """An account of one region that was read, and holds next to nothing."""
    evidence = Evidence("ec2_account", REGION, types=("ec2.ebs_default",))
    arn = f"arn:aws:ec2:{REGION}:{plan.account}:ebs-encryption-by-default"
    evidence.add("ec2.ebs_default", arn, enabled=encrypted)
    return account_reader.CollectionResult({(REGION, "ec2_account"): evidence}, {REGION: "ENABLED"}, [REGION], [])


def in_place_of_aws(patch: pytest.MonkeyPatch, collect: Collect = volumes) -> None:
    patch.setattr(target_worker, "prepare_scan_sessions", lambda target, collectors: None)
    patch.setattr(account_reader, "collect", collect)


def read_all(scan: Scan) -> None:
    for target in scan.targets.filter(state="queued"):
        target_worker.run_target(target.pk)


def first(scan: Scan) -> Target:
    target = scan.targets.order_by("id").first()
    assert target is not None
    return target
