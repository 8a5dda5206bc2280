"""Scans one Account again for its owner, at a limited rate and not while the same scan runs.

The audit trail records who rescanned when, so the limits count its rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Account
from accounts.scopes import find_account_place
from governance.core import audit
from governance.core.models import AuditEvent
from governance.core.policy import Actor, Permission, is_permitted
from governance.core.states import SCAN_ENDED
from scans.errors import ScanRequestError, ScanTooSoonError
from scans.models import Scan
from scans.pipeline.start import require_scan_permission, start_scan

RESCAN_ACTION = "scan.rescan"
RATE_PERIODS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
UNSCANNABLE_REASONS = {
    Account.Status.SUSPENDED: "is suspended",
    Account.Status.PENDING_CLOSURE: "is being closed",
    Account.Status.PENDING_ACTIVATION: "is not activated yet",
    Account.Status.CLOSED: "is closed",
    Account.Status.VANISHED: "has left the organization",
}


@dataclass(frozen=True, slots=True)
class Rescan:
    """started: False if the same scan was already running."""

    scan: Scan
    started: bool


def rescan_account(*, actor: Actor, account: Account) -> Rescan:
    """Scan the whole Account again. If started, enqueue the Scan on commit.

    Raises NotPermittedError, ScanRequestError for an account that can't be scanned, ScanTooSoonError.
    """
    require_scan_permission(actor, account.organization, [account], whole=False, permission=Permission.SCAN_RESCAN)
    if why := explain_unscannable(account):
        raise ScanRequestError(why, field="accounts")
    with transaction.atomic():
        # The lock makes two simultaneous requests run one after the other, so that the second finds the scan and the
        # audit row of the first.
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        running = find_running_rescan(account)
        if running is not None:
            return Rescan(running, started=False)
        enforce_rescan_limits(actor, account, timezone.now())
        scan = start_scan(
            actor=actor,
            organization=account.organization,
            accounts=[account.account_id],
            permission=Permission.SCAN_RESCAN,
        )
        audit.record(actor=actor, action=RESCAN_ACTION, subject=f"account:{account.account_id}", scan=scan.pk)
    return Rescan(scan, started=True)


def can_rescan(actor: Actor, account: Account) -> bool:
    return is_permitted(actor, Permission.SCAN_RESCAN, timezone.now(), find_account_place(account))


def explain_unscannable(account: Account) -> str:
    """Why the Account can't be scanned; empty for an active one."""
    if account.status == Account.Status.ACTIVE:
        return ""
    return (
        f"{account} {UNSCANNABLE_REASONS.get(Account.Status(account.status), 'is not active')}, so it can't be scanned."
    )


def find_running_rescan(account: Account) -> Scan | None:
    """A running Scan of exactly this whole Account, no matter who started it."""
    live = Scan.objects.filter(targets__account=account).exclude(state__in=SCAN_ENDED).order_by("-id")
    return next((scan for scan in live if is_rescan(scan, account)), None)


def is_rescan(scan: Scan, account: Account) -> bool:
    limited = any(scan.asked.get(name) for name in ("ous", "regions", "controls"))
    return not limited and scan.asked.get("accounts") == [account.account_id]


def enforce_rescan_limits(actor: Actor, account: Account, now: datetime) -> None:
    # Commands have no user and no limit: who can run them can also change the settings.
    if actor.user_id is None:
        return
    mine = AuditEvent.objects.filter(action=RESCAN_ACTION, actor_id=actor.user_id)
    here = mine.filter(subject=f"account:{account.account_id}")
    enforce_rate(settings.RESCAN_RATE, here, f"{account} was rescanned at your request", now)
    enforce_rate(settings.RESCAN_RATE_PERSON, mine, "Accounts were rescanned at your request", now)


def enforce_rate(rate: str, acts: QuerySet[AuditEvent], what: str, now: datetime) -> None:
    """Raises ScanTooSoonError, with the time to wait, if the rate allows no further act now."""
    allowed, period = parse_rate(rate)
    recent = list(acts.order_by("-seq").values_list("at", flat=True)[:allowed])
    wait = recent[-1] + period - now if len(recent) == allowed else timedelta(0)
    if wait <= timedelta(0):
        return
    times = f"{allowed} times" if allowed > 1 else "once"
    message = (
        f"{what} {times} in the last {rate.partition('/')[2]}, which is the limit. Try again in {format_wait(wait)}."
    )
    raise ScanTooSoonError(message, wait)


def parse_rate(rate: str) -> tuple[int, timedelta]:
    number, _, period = rate.partition("/")
    return int(number), RATE_PERIODS[period]


def format_wait(wait: timedelta) -> str:
    """In whole seconds, minutes or hours, rounded up."""
    seconds = math.ceil(wait.total_seconds())
    number, unit = (seconds, "second") if seconds <= 90 else (math.ceil(seconds / 60), "minute")
    if number > 90 and unit == "minute":
        number, unit = math.ceil(number / 60), "hour"
    return f"{number} {unit}{'s' if number > 1 else ''}"
