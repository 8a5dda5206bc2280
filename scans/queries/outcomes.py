"""Streams the visible outcomes of a Scan, from any position."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from accounts.models import Account
from governance.core.states import SCAN_ENDED
from scans.models import Scan
from scans.queries.scans import visible_scans, visible_targets
from scans.timemachine.outcomes import iterate_target_outcomes

Position = tuple[str, int]
START: Position = ("", 0)


def find_latest_scan(visible: QuerySet[Account]) -> Scan | None:
    """The newest ended Scan that includes one of these Accounts."""
    return visible_scans(visible).filter(state__in=["done", "partial"]).first()


def has_ended(scan: Scan) -> bool:
    return scan.state in SCAN_ENDED


def stream_outcomes(
    scan: Scan, visible: QuerySet[Account], start: Position = START
) -> Iterator[tuple[Position, dict[str, Any]]]:
    """Yields (position, outcome), account by account, starting at `start`.

    A position is (account id, index in that account). It stays valid until the controls change, because the stored
    evidence doesn't.
    """
    account, skipped = start
    rows = visible_targets(visible).filter(scan=scan, account__account_id__gte=account).exclude(manifest="")
    for target in rows.select_related("account").order_by("account__account_id").iterator(chunk_size=50):
        first = skipped if target.account.account_id == account else 0
        every = enumerate(iterate_target_outcomes(scan, target))
        for place, outcome in islice(every, first, None):
            yield (target.account.account_id, place), outcome
