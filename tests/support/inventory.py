"""A small organization for tests, directly in the database: OUs, accounts, one scan, findings, cells.

    Root
    ├── Production ── Retail:  shop (two findings and a resolved one), till (not readable)
    │              └─ ledger   (one finding, a gap)
    └── Sandbox:               play

Fixture `inventory` (tests/conftest.py), or make().
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from accounts.models import Account, AccountEvent, Organization, OrganizationalUnit
from scans import registry
from scans.domain.fingerprint import compute_fingerprint
from scans.models import Finding, FindingEvent, PostureCell, Scan, Target
from scans.pipeline.posture_cells import write_account_totals

ORG = "o-exampleorg1"
REGION = "eu-west-1"
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOSTILE = '<script>alert(1)</script>\u202e\nO\'Neil & "sons"'
GAP = {
    "kind": "denied", "api": "ssm.DescribeParameters", "action": "ssm:DescribeParameters",
    "region": REGION, "code": "AccessDeniedException",
}  # fmt: skip
ERROR = {"reason": "The role TutelaScan can't be assumed.", "what_to_do": "Deploy the scan role there."}


@dataclass
class Inventory:
    organization: Organization
    root: OrganizationalUnit
    production: OrganizationalUnit
    retail: OrganizationalUnit
    sandbox: OrganizationalUnit
    shop: Account
    till: Account
    ledger: Account
    play: Account
    scan: Scan
    secret: Finding
    bucket: Finding
    unread: Finding
    fixed: Finding


def make() -> Inventory:
    organization = Organization.objects.create(
        org_id=ORG, partition="aws", management_account_id="100000000003", feature_set="ALL", discovered_at=AT
    )
    root = unit(organization, "r-1", "Root")
    production = unit(organization, "ou-1-prod", "Production", root)
    retail = unit(organization, "ou-1-retail", "Retail", production)
    sandbox = unit(organization, "ou-1-sandbox", "Sandbox", root)
    shop, till, ledger, play = keep_accounts(
        drawn_account(retail, "100000000001", "shop", owners=["olga@example.com"], tags={"team": "retail"}),
        drawn_account(
            retail, "100000000002", "till", last_good_scan_at=None, unreadable={**ERROR, "at": AT.isoformat()}
        ),
        drawn_account(production, "100000000003", "ledger"),
        drawn_account(sandbox, "100000000004", "play"),
    )
    run = scan(organization, shop, till, ledger, play)
    Target.objects.filter(account=till).update(state="unreadable", error=ERROR)
    Target.objects.filter(account=ledger).update(gaps=[GAP])
    secret, bucket, unread, fixed = keep_findings(
        run,
        drawn_finding(shop, "SSM-PS-001", "arn:aws:ssm:eu-west-1:100000000001:parameter/db/password"),
        drawn_finding(shop, "SSM-S3-001", "arn:aws:s3:::shop-logs"),
        drawn_finding(ledger, "SSM-PS-001", "arn:aws:ssm:eu-west-1:100000000003:parameter/*", verdict="unknown"),
        drawn_finding(shop, "SSM-S3-002", "arn:aws:s3:::shop-old", state="resolved"),
    )
    keep_cells(
        drawn_cell(shop, "SSM-PS-001", passed=4, failed=1),
        drawn_cell(shop, "SSM-S3-001", passed=1, failed=1, not_applicable=2),
        drawn_cell(ledger, "SSM-PS-001", unknown=1),
        drawn_cell(play, "SSM-PS-001", passed=3),
    )
    return Inventory(
        organization, root, production, retail, sandbox, shop, till, ledger, play, run,
        secret=secret, bucket=bucket, unread=unread, fixed=fixed,
    )  # fmt: skip


def unit(
    organization: Organization, ou_id: str, name: str, parent: OrganizationalUnit | None = None
) -> OrganizationalUnit:
    path = f"{parent.path if parent else '/'}{ou_id}/"
    return OrganizationalUnit.objects.create(
        organization=organization, ou_id=ou_id, name=name, parent=parent, path=path
    )


def account(ou: OrganizationalUnit, account_id: str, name: str, **more: Any) -> Account:
    return keep_accounts(drawn_account(ou, account_id, name, **more))[0]


def drawn_account(ou: OrganizationalUnit, account_id: str, name: str, **more: Any) -> Account:
    fields = {
        "owners": [], "tags": {}, "regions": {REGION: "ENABLED_BY_DEFAULT", "af-south-1": "DISABLED"},
        "joined_at": AT, "last_good_scan_at": AT, **more,
    }  # fmt: skip
    return Account(organization=ou.organization, ou=ou, account_id=account_id, name=name, **fields)


def keep_accounts(*drawn: Account) -> list[Account]:
    """In the database, all at once: most tests begin with these."""
    made = Account.objects.bulk_create(drawn)
    AccountEvent.objects.bulk_create(
        AccountEvent(account=each, kind="joined", detail={"ou": each.ou.ou_id, "status": "ACTIVE"}) for each in made
    )
    return made


def scan(organization: Organization, *accounts: Account, state: str = "partial", **more: Any) -> Scan:
    """A Scan with a Target for each account; ended, unless state is another."""
    ended = state in {"done", "partial"}
    made = Scan.objects.create(
        organization=organization, state=state, started_by="system", finished_at=AT if ended else None,
        asked={"accounts": [], "ous": [], "regions": [], "controls": []}, totals={"gaps": 1, "unreadable": 1}, **more,
    )  # fmt: skip
    Target.objects.bulk_create(
        Target(
            scan=made, account=each, state="done" if ended else "queued", calls=17 if ended else 0,
            collected_at=AT if ended else None, finished_at=AT if ended else None,
            counts={"pass": 5, "fail": 2, "unknown": 1, "not_applicable": 2} if ended else {},
        )
        for each in accounts
    )  # fmt: skip
    return made


def finding(account: Account, control: str, resource: str, **more: Any) -> Finding:
    """A Finding with the event that opened it."""
    newest = account.targets.select_related("scan").order_by("id").last()
    return keep_findings(newest.scan if newest else None, drawn_finding(account, control, resource, **more))[0]


def drawn_finding(
    account: Account,
    control: str,
    resource: str,
    *,
    region: str = REGION,
    verdict: str = "fail",
    state: str = "open",
    **more: Any,
) -> Finding:
    unknown, resolved = verdict == "unknown", state == "resolved"
    fields = {
        "severity": registry.controls()[control].control.severity, "evidence": "e" * 64, "first_seen": AT,
        "changed_at": AT, "reason": "It could not be read." if unknown else "It isn't as required.",
        "gaps": [GAP] if unknown else [], "facts": {"name": "/db/password", "type": "String"},
        "resolved_at": AT if resolved else None, "resolution": "fixed" if resolved else "",
        **more,
    }  # fmt: skip
    return Finding(
        fingerprint=compute_fingerprint(control, account.account_id, region, resource), control=control, account=account,
        region=region, resource=resource, verdict="pass" if resolved else verdict, state=state, **fields,
    )  # fmt: skip


def keep_findings(opened_by: Scan | None, *drawn: Finding) -> list[Finding]:
    made = Finding.objects.bulk_create(drawn)
    FindingEvent.objects.bulk_create(
        FindingEvent(
            finding=each, at=AT, kind="open", verdict="fail" if each.state == "resolved" else each.verdict,
            reason=each.reason, evidence=each.evidence, scan=opened_by,
        )
        for each in made
    )  # fmt: skip
    return made


def cell(account: Account, control: str, *, region: str = REGION, **counts: int) -> PostureCell:
    return keep_cells(drawn_cell(account, control, region=region, **counts))[0]


def drawn_cell(account: Account, control: str, *, region: str = REGION, **counts: int) -> PostureCell:
    return PostureCell(account=account, control=control, region=region, changed_at=AT, **counts)


def keep_cells(*drawn: PostureCell) -> list[PostureCell]:
    made = PostureCell.objects.bulk_create(drawn)
    for account in dict.fromkeys(each.account for each in made):
        write_account_totals(account, {each.control for each in made if each.account == account})
    return made
