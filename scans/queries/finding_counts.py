"""Counts the open Findings of Accounts."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, QuerySet

from accounts.models import Account
from scans.domain.control import Severity
from scans.models import Finding

BySeverity = dict[str, int]


def open_by_severity(visible: QuerySet[Account], accounts: Sequence[Account]) -> dict[int, BySeverity]:
    """Account's row id -> open Findings by severity. Accounts that aren't visible are left out."""
    seen = visible.filter(pk__in=[account.pk for account in accounts]).order_by().values_list("pk", flat=True)
    counts: dict[int, BySeverity] = {pk: {str(severity): 0 for severity in Severity} for pk in seen}
    rows = Finding.objects.filter(account__in=list(counts), state="open").order_by()
    for account, severity, n in rows.values_list("account", "severity").annotate(n=Count("pk")):
        counts[account][severity] = n
    return counts
