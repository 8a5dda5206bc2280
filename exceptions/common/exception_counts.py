"""Counts the failing findings that are excepted or requested now, in a few queries however many findings there are.

There are few covers beside the findings, so each count starts from the covers: by fingerprint, which is unique, and by
the accounts and controls that are covered as a whole.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, Q, QuerySet

from accounts.models import Account
from exceptions.common.finding_overlays import asked_for, in_force, match_covers
from exceptions.models import Cover
from scans.models import Finding


@dataclass(frozen=True, slots=True)
class ExceptionCounts:
    excepted: int = 0
    requested: int = 0


def count_exceptions(visible: QuerySet[Account], now: datetime) -> ExceptionCounts:
    """Count the open failing findings of these accounts. An excepted finding is not counted as requested as well."""
    failing = failing_in(visible)
    excepted = sum(found.count() for found in split_by_cover(failing, in_force(now)))
    # Most of the time nothing is requested; this spares the two slower counts then.
    if not Cover.objects.filter(asked_for(now)).exists():
        return ExceptionCounts(excepted)
    bare = ~Exists(match_covers().filter(in_force(now)))
    return ExceptionCounts(
        excepted, sum(found.filter(bare).count() for found in split_by_cover(failing, asked_for(now)))
    )


def count_excepted_by_ou(visible: QuerySet[Account], now: datetime) -> dict[int | None, int]:
    """OU's row id -> excepted failing findings of the accounts directly in it."""
    found: Counter[int | None] = Counter()
    for rows in split_by_cover(failing_in(visible), in_force(now)):
        found.update(dict(rows.values_list("account__ou_id").annotate(n=Count("pk"))))
    return dict(found)


def failing_in(visible: QuerySet[Account]) -> QuerySet[Finding]:
    return Finding.objects.filter(account__in=visible.order_by().values("pk"), state="open", verdict="fail").order_by()


def split_by_cover(findings: QuerySet[Finding], covers: Q) -> tuple[QuerySet[Finding], QuerySet[Finding]]:
    """The findings under a cover of a whole (account, control), and the other findings that a cover names.

    No finding is in both, so the two counts can be added."""
    held = Cover.objects.filter(covers).order_by()
    whole = held.filter(fingerprint="")
    over_all = Exists(match_covers().filter(covers, fingerprint=""))
    # The two IN conditions alone would pair any covered account with any covered control. They narrow the search by
    # index; Exists then keeps the right pairs.
    wide = findings.filter(account__in=whole.values("account"), control__in=whole.values("control")).filter(over_all)
    named = findings.filter(fingerprint__in=held.exclude(fingerprint="").values("fingerprint")).exclude(over_all)
    return wide, named
