"""Finds what was known on a day: the latest evidence of accounts and the state of findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import islice
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from accounts.models import Account
from governance.core.states import SCAN_ENDED_WELL as ENDED_WELL
from scans import registry
from scans.domain import evidence
from scans.domain.evidence import EvidenceError, encode_fact
from scans.domain.lifecycle import RESOLUTION, Event, format_event_kind, parse_event_kind
from scans.errors import ScanRequestError
from scans.models import Finding, FindingEvent, Target
from scans.storage import blobs

# Limited rescans count until the account is read completely again. Only this many of them are loaded.
MAX_LAYERS = 50


def end_of(day: date) -> datetime:
    """The last moment of a day, in UTC. Raises ScanRequestError for a day in the future."""
    if day > timezone.now().astimezone(UTC).date():
        raise ScanRequestError(f"{day} is in the future. Choose today or an earlier day.", field="as_of")
    return datetime.combine(day, time.max, tzinfo=UTC)


def parse_day(text: str) -> date:
    """YYYY-MM-DD. Raises ScanRequestError."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise ScanRequestError("Enter the day as YYYY-MM-DD, such as 2026-03-31.", field="as_of") from error


def good_targets(moment: datetime | None = None) -> QuerySet[Target]:
    """Targets with stored evidence that was read at this moment or before, newest first."""
    kept = Target.objects.exclude(manifest="").filter(collected_at__isnull=False)
    if moment is not None:
        kept = kept.filter(collected_at__lte=moment)
    return kept.order_by("-collected_at", "-id")


def layers_of(accounts: Sequence[Account], moment: datetime | None = None) -> dict[int, list[Target]]:
    """Account's row id -> the Targets whose evidence counts, newest first. Three queries for any number of Accounts.

    They are the limited rescans since the last complete reading, and as the last one that complete reading.
    """
    # Only Scans that ended: a cancelled one never judged the controls that need the whole organization, so the outcomes
    # of an earlier Scan still count for those.
    whole = good_targets(moment).filter(account=OuterRef("pk"), scan__state__in=ENDED_WELL)
    whole = whole.filter(scan__asked__regions=[], scan__asked__controls=[])
    ids = [account.pk for account in accounts]
    bases = dict(Account.objects.filter(pk__in=ids).order_by().values_list("pk", Subquery(whole.values("pk")[:1])))
    read_at = dict(Target.objects.filter(pk__in=[pk for pk in bases.values() if pk]).values_list("pk", "collected_at"))
    found: dict[int, list[Target]] = defaultdict(list)
    # All Targets in one query, sorted by account, instead of one query per account.
    rows = good_targets(moment).filter(account__in=ids).order_by("account_id", "-collected_at", "-id")
    for target in rows.select_related("scan").iterator(chunk_size=200):
        base = bases.get(target.account_id)
        since = read_at.get(base) if base else None
        newer = since is None or target.collected_at is None or target.collected_at >= since
        if target.pk == base or (newer and len(found[target.account_id]) < MAX_LAYERS):
            found[target.account_id].append(target)
    return {account: trim_layers(layers, bases.get(account)) for account, layers in found.items()}


def find_whole_scan_target(account: Account, newest: Target) -> Target | None:
    """The last Target, no newer than this one, of a Scan of the whole organization."""
    asked: dict[str, list[str]] = {f"scan__asked__{name}": [] for name in ("accounts", "ous", "regions", "controls")}
    older = good_targets(newest.collected_at).filter(account=account, scan__organization=account.organization_id)
    return older.filter(**asked, scan__state__in=ENDED_WELL).select_related("scan").first()


def is_whole(target: Target) -> bool:
    asked = target.scan.asked
    return not asked.get("regions") and not asked.get("controls") and target.scan.state in ENDED_WELL


def trim_layers(layers: list[Target], base: int | None) -> list[Target]:
    """The layers without those that are older than the complete reading."""
    last = next((n for n, target in enumerate(layers) if target.pk == base), len(layers))
    return layers[: last + 1]


@dataclass(frozen=True, slots=True)
class PastFinding:
    """A Finding at a past moment.

    last_event: its last event by then. last_transition: the last one that changed its state; a note doesn't.
    """

    finding: Finding
    last_event: FindingEvent
    last_transition: FindingEvent

    @property
    def state(self) -> str:
        return "resolved" if parse_event_kind(self.last_transition.kind) in RESOLUTION else "open"

    @property
    def resolution(self) -> str:
        return RESOLUTION.get(parse_event_kind(self.last_transition.kind), "")


def findings_at(findings: QuerySet[Finding], moment: datetime) -> Iterator[PastFinding]:
    """These Findings as they were at a moment, in the given order, without those first seen later."""
    # The ids of both events come from subqueries, and the events are loaded in batches. Joining the events would return
    # a row for each event of each Finding.
    events = FindingEvent.objects.filter(finding=OuterRef("pk"), at__lte=moment).order_by("-at", "-id")
    notes = [format_event_kind(Event.NOTE, replayed=replayed) for replayed in (False, True)]
    rows = findings.filter(first_seen__lte=moment).annotate(
        said_id=Subquery(events.values("pk")[:1]), move_id=Subquery(events.exclude(kind__in=notes).values("pk")[:1])
    )
    for part in iterate_batches(rows.iterator(chunk_size=500), 500):
        ids = {pk for row in part for pk in (row.said_id, row.move_id) if pk}
        found = FindingEvent.objects.select_related("scan").in_bulk(ids)
        for row in part:
            if row.said_id and row.move_id:
                yield PastFinding(row, found[row.said_id], found[row.move_id])


def iterate_batches(rows: Iterable[Finding], size: int) -> Iterator[list[Any]]:
    waiting = iter(rows)
    while part := list(islice(waiting, size)):
        yield part


def finding_at(finding: Finding, moment: datetime) -> PastFinding | None:
    """The Finding at a moment. None: it was first seen later."""
    return next(findings_at(Finding.objects.filter(pk=finding.pk).select_related("account"), moment), None)


def load_past_facts(then: PastFinding) -> dict[str, Any] | None:
    """The facts that the control reads, in the evidence of that time.

    None: the evidence is no longer kept, or the event was not about a resource.
    """
    loaded = registry.controls().get(then.finding.control)
    try:
        held = (
            evidence.parse_evidence(blobs.load_contents([then.last_event.evidence])[then.last_event.evidence])
            if then.last_event.evidence
            else None
        )
    except (LookupError, EvidenceError):
        return None
    for resource in held.resources if held else ():
        if (resource.arn, resource.region) == (then.finding.resource, then.finding.region):
            names = loaded.control.facts.get(resource.type, ()) if loaded else resource.facts
            return {name: encode_fact(resource.facts[name]) for name in names if name in resource.facts}
    return None
