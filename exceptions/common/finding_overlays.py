"""Finds which findings are excepted or requested, computed when read: it depends on the clock, not on a worker."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from exceptions.models import Cover, ExceptionRequest
from scans.models import Finding

WAITING_STATES = ("submitted", "changes_requested", "suspended")


@dataclass(frozen=True, slots=True)
class ExceptionOverlay:
    """The exception or request that covers a finding. kind: excepted or requested; until: when it ends."""

    kind: str
    request: int
    reference: str
    until: datetime | None


def in_force(now: datetime) -> Q:
    """The covers that except findings at this moment."""
    return Q(live=True, starts_at__lte=now, expires_at__gt=now)


def asked_for(now: datetime) -> Q:
    """The covers of requests that are waiting, or approved and not started yet."""
    waiting = Q(request__state__in=WAITING_STATES, expires_at__gt=now)
    return waiting | Q(live=True, starts_at__gt=now)


def match_covers(
    outer_account: str = "account", control: str = "control", fingerprint: str = "fingerprint"
) -> QuerySet[Cover]:
    """The covers of an outer row of Finding, through the index cover_live."""
    mine = Q(fingerprint="") | Q(fingerprint=OuterRef(fingerprint))
    return Cover.objects.filter(mine, account=OuterRef(outer_account), control=OuterRef(control))


def filter_excepted(findings: QuerySet[Finding], now: datetime) -> QuerySet[Finding]:
    """Only the findings that an active exception covers."""
    return findings.filter(Exists(match_covers().filter(in_force(now))))


def exclude_excepted(findings: QuerySet[Finding], now: datetime) -> QuerySet[Finding]:
    return findings.exclude(Exists(match_covers().filter(in_force(now))))


def filter_requested(findings: QuerySet[Finding], now: datetime) -> QuerySet[Finding]:
    """Only the findings that are not excepted but have a waiting request."""
    return exclude_excepted(findings, now).filter(Exists(match_covers().filter(asked_for(now))))


def find_exception_overlays(findings: Iterable[Finding], now: datetime) -> dict[int, ExceptionOverlay]:
    """Finding id -> its overlay, for one page of findings, in one query."""
    rows = list(findings)
    accounts, controls = {f.account_id for f in rows}, {f.control for f in rows}
    fingerprints = {"", *(f.fingerprint for f in rows)}
    covers = Cover.objects.filter(in_force(now) | asked_for(now), account__in=accounts, control__in=controls)
    by_key: dict[tuple[int, str, str], Cover] = {}
    for cover in covers.filter(fingerprint__in=fingerprints).select_related("request").order_by("expires_at"):
        key = (cover.account_id, cover.control, cover.fingerprint)
        held = by_key.get(key)
        if held is None or rank_cover(cover, now) >= rank_cover(held, now):
            by_key[key] = cover
    found: dict[int, ExceptionOverlay] = {}
    for finding in rows:
        wide_and_own = ("", finding.fingerprint)
        both = [by_key.get((finding.account_id, finding.control, fingerprint)) for fingerprint in wide_and_own]
        best = max((c for c in both if c is not None), key=lambda c: rank_cover(c, now), default=None)
        if best is not None:
            kind = "excepted" if rank_cover(best, now)[0] else "requested"
            found[finding.pk] = ExceptionOverlay(kind, best.request_id, best.request.reference, best.expires_at)
    return found


def rank_cover(cover: Cover, now: datetime) -> tuple[bool, datetime]:
    """Several requests may cover one finding. An active exception ranks above a request, then the later end wins."""
    return cover.live and cover.starts_at <= now < cover.expires_at, cover.expires_at


def requests_for_finding(finding: Finding) -> QuerySet[ExceptionRequest]:
    """Every request that ever covered this finding, newest first."""
    mine = Q(covers__fingerprint="") | Q(covers__fingerprint=finding.fingerprint)
    rows = ExceptionRequest.objects.filter(mine, covers__account=finding.account_id, covers__control=finding.control)
    return rows.exclude(state="draft").distinct().order_by("-id")


def filter_uncovered(findings: QuerySet[Finding], now: datetime) -> QuerySet[Finding]:
    """Only the findings with neither an active exception nor a waiting request."""
    return findings.exclude(Exists(match_covers().filter(in_force(now) | asked_for(now))))
