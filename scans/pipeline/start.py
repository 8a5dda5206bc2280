"""Starts, cancels and resumes scans. People and schedules use the same functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Account, Organization, OrganizationalUnit
from accounts.scopes import list_account_places
from governance.core import audit
from governance.core.policy import Actor, Location, NotPermittedError, Permission, is_permitted
from governance.core.states import SCAN, SCAN_ENDED, TARGET
from governance.core.transitions import move_state
from scans import hooks, registry
from scans.domain.evidence import Context
from scans.errors import ScanRequestError
from scans.models import Scan, Schedule, Target
from scans.pipeline import inbound_keys
from scans.registry import resolve_control_ids
from scans.storage import blobs

SCAN_DEADLINE = timedelta(hours=24)


def start_scan(
    *,
    actor: Actor,
    organization: Organization,
    accounts: Sequence[str] = (),
    ous: Sequence[str] = (),
    regions: Sequence[str] = (),
    controls: Sequence[str] = (),
    schedule: Schedule | None = None,
    due_at: datetime | None = None,
    permission: Permission = Permission.SCAN_RUN,
) -> Scan:
    """Create a Scan with one Target per Account. The caller hands it to the workers once the transaction has committed.

    1. Resolve the accounts and controls. controls: ids, or names of groups.
    2. Check the permission over all of these accounts, then the control and region ids and the settings.
    3. In one transaction: create the Scan with its context and Targets, record the audit event, move it to running.

    Raises ScanRequestError for an unknown id or nothing to read, NotPermittedError.
    """
    chosen, controls = list(choose_accounts(organization, accounts, ous)), resolve_control_ids(controls)
    require_scan_permission(actor, organization, chosen, whole=not accounts and not ous, permission=permission)
    refuse_unknown_ids("control", controls, registry.controls())
    refuse_unknown_ids("region", regions, list_partition_regions(organization))
    check_region_settings()
    if not chosen:
        raise build_empty_scan_error(organization, [*accounts, *ous])
    with transaction.atomic():
        scan = Scan.objects.create(
            organization=organization,
            started_by=actor.name,
            asked={
                "accounts": list(accounts),
                "ous": list(ous),
                "regions": sorted(set(regions)),
                "controls": sorted(set(controls)),
            },
            context=blobs.store_context(build_scan_context(organization)),
            deadline_at=timezone.now() + SCAN_DEADLINE,
            schedule=schedule,
            due_at=due_at,
        )
        # What the last scan learned about buckets and keys that other accounts use. An organization that didn't change then
        # needs no second visit (docs/decisions/0004).
        inbound = inbound_keys.find_inbound_resources(organization)
        Target.objects.bulk_create(
            [Target(scan=scan, account=a, inbound=inbound.get(a.account_id, {})) for a in chosen], batch_size=1000
        )
        audit.record(
            actor=actor, action="scan.start", subject=f"scan:{scan.pk}", asked=scan.asked, accounts=len(chosen)
        )
        move_state(scan, SCAN, "start", actor=actor)
    return scan


def cancel_scan(*, actor: Actor, scan: Scan) -> None:
    """Cancel a Scan. Queued Targets never start; running ones stop at their next stage."""
    require_scan_permission(actor, scan.organization, list_scan_accounts(scan), whole=False)
    if scan.state in SCAN_ENDED:
        raise ScanRequestError(f"Scan {scan.pk} has already ended ({scan.state}).")
    now = timezone.now()
    with transaction.atomic():
        move_state(scan, SCAN, "cancel", actor=actor, finished_at=now)
        # Workers notice at their next stage: their lease no longer matches a running Target.
        scan.targets.filter(state__in=TARGET.sources("cancel")).update(state=TARGET.target("cancel"), finished_at=now)
        for listen in hooks.extensions.required().after_completion:
            listen(scan)


def resume_scan(*, actor: Actor, scan: Scan) -> None:
    """Continue a cancelled Scan. What was read stays read."""
    require_scan_permission(actor, scan.organization, list_scan_accounts(scan), whole=False)
    if scan.state != "cancelled":
        raise ScanRequestError(f"Scan {scan.pk} is {scan.state}; only a cancelled scan can be resumed.")
    with transaction.atomic():
        deadline = timezone.now() + SCAN_DEADLINE
        move_state(scan, SCAN, "resume", actor=actor, finished_at=None, deadline_at=deadline, lease_until=None)
        scan.targets.filter(state="cancelled").update(
            state=TARGET.target("resume"), finished_at=None, lease_until=None, attempts=0, error=None
        )


def list_scan_accounts(scan: Scan) -> list[Account]:
    return list(Account.objects.filter(targets__scan=scan).select_related("organization", "ou"))


def choose_accounts(organization: Organization, accounts: Sequence[str], ous: Sequence[str]) -> QuerySet[Account]:
    """The Accounts named by id or by OU (with its child OUs), or all that are still in the organization if none is."""
    every = organization.accounts.select_related("ou", "organization")
    refuse_unknown_ids(
        "account", accounts, set(every.filter(account_id__in=accounts).values_list("account_id", flat=True))
    )
    units = list(OrganizationalUnit.objects.filter(organization=organization, ou_id__in=ous))
    refuse_unknown_ids("OU", ous, {unit.ou_id for unit in units})
    # Suspended accounts stay in: they can't be read, but a scan must list them as not read instead of hiding them.
    present = every.exclude(status__in=[Account.Status.VANISHED, Account.Status.CLOSED])
    if not accounts and not ous:
        return present
    wanted = Q(account_id__in=accounts)
    for unit in units:
        wanted |= Q(ou__path__startswith=unit.path)
    return present.filter(wanted)


def build_empty_scan_error(organization: Organization, named: Sequence[str]) -> ScanRequestError:
    if not named:
        return ScanRequestError(f"{organization.org_id} has no active account to scan. Run: manage.py discover")
    return ScanRequestError(
        "None of the selected accounts can be scanned: they are closed, have left the organization, or the OU is empty."
    )


def refuse_unknown_ids(kind: str, asked: Iterable[str], known: Iterable[str]) -> None:
    missing = sorted(set(asked) - set(known))
    if missing:
        raise ScanRequestError(
            f"Unknown {kind}: {', '.join(missing)}. "
            + {
                "account": "Run manage.py discover to list the organization's accounts.",
                "OU": "Run manage.py discover to list the organization's OUs.",
                "control": "See manage.py controls list.",
                "region": "Use a region name such as eu-west-1.",
            }[kind],
            field=f"{kind.lower()}s",
        )


def check_region_settings() -> None:
    """Raises ScanRequestError for configured regions that no partition has: a typo would leave accounts unread."""
    from accounts.aws.endpoints import list_published_regions, load_partitions

    known = {"all", *(region for partition in load_partitions() for region in list_published_regions(partition))}
    for name, named in (
        ("TUTELA_REGIONS", settings.SCAN_REGIONS),
        ("TUTELA_FIPS_REGIONS", settings.FIPS_REGIONS),
        ("TUTELA_TLS13_REGIONS", settings.TLS13_REGIONS),
    ):
        odd = sorted(set(named) - known)
        if odd:
            raise ScanRequestError(f"{name} contains unknown AWS regions: {', '.join(odd)}. Correct the setting.")


def list_partition_regions(organization: Organization) -> set[str]:
    from accounts.aws.endpoints import list_published_regions

    return set(list_published_regions(organization.partition))


def require_scan_permission(
    actor: Actor,
    organization: Organization,
    accounts: Sequence[Account],
    *,
    whole: bool,
    permission: Permission = Permission.SCAN_RUN,
) -> None:
    now = timezone.now()
    places = (
        [Location(organization.org_id)] if whole else list_account_places(accounts) or [Location(organization.org_id)]
    )
    if not all(is_permitted(actor, permission, now, place) for place in places):
        needed = "account owner or scan operator" if permission is Permission.SCAN_RESCAN else "scan operator"
        raise NotPermittedError(f"{actor.name} is not allowed to scan these accounts. This needs a grant as {needed}.")


def build_scan_context(organization: Organization) -> Context:
    # Stored with the scan, so that a replay judges with the settings and members of that day, not of today.
    ids = organization.accounts.exclude(status=Account.Status.VANISHED).values_list("account_id", flat=True)
    return Context(
        partition=organization.partition,
        organization=organization.org_id,
        management_account=organization.management_account_id,
        accounts=frozenset(ids),
        policy={
            "s3_level": settings.REQUIRED_S3_LEVEL,
            "fips_regions": sorted(settings.FIPS_REGIONS),
            "tls13_regions": sorted(settings.TLS13_REGIONS),
            "inspect_values": bool(settings.VALUE_ROLE),
            "owner_tags": sorted(settings.OWNER_TAGS),
        },
    )
