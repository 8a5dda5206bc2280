"""Outcomes as a reader may see them: of one Scan, page by page or in one stream."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from accounts.models import Account
from governance.core.states import SCAN_ENDED
from scans.models import Scan
from scans.queries.scans import targets_of, visible_scans
from scans.timemachine.outcomes import outcomes_of_target

Position = tuple[str, int]
START: Position = ("", 0)


def latest(visible: QuerySet[Account]) -> Scan | None:
    """The newest Scan that came to its end with one of these Accounts."""
    return visible_scans(visible).filter(state__in=["done", "partial"]).first()


def has_ended(scan: Scan) -> bool:
    return scan.state in SCAN_ENDED


def stream(
    scan: Scan, visible: QuerySet[Account], start: Position = START
) -> Iterator[tuple[Position, dict[str, Any]]]:
    """(position, outcome), account by account from `start` on. A position is (account id, place in that
    account), and stays the same as long as the controls do: the evidence that it is judged from doesn't change."""
    account, skipped = start
    rows = targets_of(visible).filter(scan=scan, account__account_id__gte=account).exclude(manifest="")
    for target in rows.select_related("account").order_by("account__account_id").iterator(chunk_size=50):
        first = skipped if target.account.account_id == account else 0
        every = enumerate(outcomes_of_target(scan, target))
        for place, outcome in islice(every, first, None):
            yield (target.account.account_id, place), outcome
