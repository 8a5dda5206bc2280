"""Stored evidence for tests, made by hand: what a scan of an account would have kept, and done to findings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import Account, Organization
from scans import registry
from scans.domain.evidence import Context, Evidence
from scans.models import Scan, Target
from scans.pipeline import target_evaluation
from scans.pipeline.reconcile import reconcile_findings
from scans.storage import blobs

REGION, OTHER = "eu-west-1", "us-east-1"
ONE = "111122223333"
MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def account(account_id: str = ONE, org_id: str = "o-example", **more: Any) -> Account:
    organization, _ = Organization.objects.get_or_create(
        org_id=org_id, defaults={"partition": "aws", "management_account_id": "999900001111"}
    )
    return Account.objects.create(organization=organization, account_id=account_id, name=f"shop {account_id}", **more)


def arn(name: str, region: str = REGION) -> str:
    return f"arn:aws:ssm:{region}:{ONE}:parameter/{name}"


def parameters(region: str = REGION, **types: str) -> Evidence:
    """Parameters by name: their type, or "fine". A String of these looks like a secret."""
    made = evidence("ssm_parameters", region)
    for name, kind in types.items():
        type, secret = ("StringList", None) if kind == "fine" else (kind, "password")
        made.add(
            "ssm.parameter", arn(name, region), name=name, type=type, secret_name=secret, key_id=None, hits=[],
        )  # fmt: skip
    return made


def volumes(region: str = REGION, *, enabled: object = True) -> Evidence:
    made = evidence("ec2_account", region)
    made.add("ec2.ebs_default", f"arn:aws:ec2:{region}:{ONE}:ebs-encryption-by-default", enabled=enabled)
    return made


def evidence(collector: str, region: str) -> Evidence:
    return Evidence(collector, region, types=registry.list_resource_types(collector))


def kept(
    account: Account,
    *evidences: Evidence,
    at: datetime = MONDAY,
    regions: Sequence[str] = (),
    controls: Sequence[str] = (),
    state: str = "done",
) -> Target:
    """A Scan that read this, and its Target. Findings stay as they are."""
    manifest, _ = blobs.store_evidence({(e.region, e.collector): e for e in evidences})
    context = blobs.store_context(Context(organization="o-example", management_account="999900001111"))
    scan = Scan.objects.create(
        organization=account.organization, state=state, started_by="test", context=context,
        asked={"accounts": [], "ous": [], "regions": list(regions), "controls": list(controls)},
    )  # fmt: skip
    return Target.objects.create(scan=scan, account=account, state="done", collected_at=at, manifest=manifest)


def scanned(account: Account, *evidences: Evidence, **more: Any) -> Target:
    """As kept, and Findings and cells follow, as when a worker finishes a Target."""
    target = kept(account, *evidences, **more)
    manifest = blobs.load_manifest(target.manifest)
    at = target.collected_at
    assert at
    result = target_evaluation.evaluate_target(
        target.scan, account, {(e.region, e.collector): e for e in evidences}, target_evaluation.select_scan_controls(target.scan),
        at=at, joined=False,
    )  # fmt: skip
    with transaction.atomic():
        done = reconcile_findings(
            scan=target.scan, account=account, at=at, judged=result.judged, judged_places=result.places,
            world=result.world, digests={(r, c): d for r, by in manifest.items() for c, d in by.items()}, settled=result.settled,
        )  # fmt: skip
    target.counts, target.by_control = dict(done.counts), done.by_control
    target.save()
    return target
