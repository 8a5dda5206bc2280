"""Loads how much of the visible accounts was read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Max, QuerySet

from accounts.aws.gaps import Gap
from accounts.models import Account
from scans import registry
from scans.domain import evidence
from scans.domain.evidence import GLOBAL
from scans.domain.partial_scans import counts_as_missing
from scans.domain.regions import is_region_enabled
from scans.insight import coverage
from scans.insight.coverage import CollectorReading, ReadingState, ReadingTotals
from scans.models import EvidenceHead, Target
from scans.queries.scans import latest_target
from scans.storage import blobs

ENDED_STATES = ("done", "unreadable", "failed")


@dataclass(slots=True)
class AccountCoverage:
    """The coverage of one account. target: its latest ended Target, which has the reason if it could not be read."""

    account: Account
    lines: list[CollectorReading]
    target: Target | None
    totals: ReadingTotals = field(default_factory=ReadingTotals)
    disabled: list[str] = field(default_factory=list)

    @property
    def regions(self) -> list[str]:
        """The columns of the table: global, then the enabled regions."""
        held = dict.fromkeys(line.region for line in self.lines if line.region != GLOBAL)
        return [GLOBAL, *(region for region in held if region not in self.disabled)]

    def table(self) -> list[tuple[str, list[CollectorReading | None]]]:
        """(collector, its reading in each column; None where the collector isn't read there)"""
        by_place = {(line.region, line.collector): line for line in self.lines}
        names = sorted({line.collector for line in self.lines})
        return [(name, [by_place.get((region, name)) for region in self.regions]) for name in names]

    @property
    def incomplete(self) -> list[CollectorReading]:
        """The readings that need attention: partial, never read, or older than the latest scan."""
        return [
            line
            for line in self.lines
            if line.state in {ReadingState.PARTIAL, ReadingState.NEVER_READ} or not line.current
        ]

    @property
    def partial(self) -> list[CollectorReading]:
        return [line for line in self.lines if line.missing]

    @property
    def old(self) -> list[CollectorReading]:
        """Readings of earlier scans that the latest scan did not repeat."""
        return [line for line in self.lines if not line.current and line.state is not ReadingState.NEVER_READ]


def map_collector_scopes() -> dict[str, str]:
    return {name: item.collector.scope for name, item in registry.collectors().items()}


def load_account_coverage(account: Account) -> AccountCoverage:
    target = latest_target(account)
    read = account.targets.exclude(manifest="").order_by("-id").first()
    current = list_manifest_places(read) if read is not None and target is not None and target.pk == read.pk else set()
    heads = {(h.region, h.collector): h.digest for h in EvidenceHead.objects.filter(account=account)}
    contents = blobs.load_contents(heads.values())
    evidences = {place: evidence.parse_evidence(contents[digest]) for place, digest in heads.items()}
    lines = coverage.list_readings(account.account_id, account.regions, map_collector_scopes(), evidences, current)
    judged_gaps = [Gap.from_dict(gap) for gap in read.gaps if counts_as_missing(gap)] if read and current else []
    lines = coverage.add_judged_gaps(lines, judged_gaps, collectors_by_call())
    off = [r for r, status in account.regions.items() if not is_region_enabled(status)]
    disabled = sorted(region for region in off if not any(place[0] == region for place in heads))
    return AccountCoverage(account, lines, target, coverage.count_readings(lines), disabled)


def list_manifest_places(target: Target) -> set[tuple[str, str]]:
    manifest = blobs.load_manifest(target.manifest)
    return {(region, name) for region, by_name in manifest.items() for name in by_name}


def iterate_coverage_rows(accounts: QuerySet[Account]) -> Iterator[dict[str, Any]]:
    """Every reading of every account, for exports."""
    for account in accounts.order_by("account_id", "pk").iterator(chunk_size=200):
        yield from map(coverage.build_reading_row, load_account_coverage(account).lines)


@dataclass(frozen=True, slots=True)
class OrganizationCoverage:
    """How many accounts there are, and how far they were read.

    whole, partly: read without and with gaps. unread: not readable, or not scanned yet. skipped: closed by AWS, so
    there is nothing to read. (Both together are what scans.queries.extent calls unreadable and untried.)
    never: never read at all. readings: by state.
    """

    accounts: int
    whole: int
    partly: int
    unread: int
    skipped: int
    never: int
    readings: ReadingTotals


def load_organization_coverage(visible: QuerySet[Account]) -> OrganizationCoverage:
    """Sums over the visible accounts. Uses only what scans recorded; no evidence is loaded."""
    kinds: dict[str, int] = defaultdict(int)
    readings = ReadingTotals()
    read = read_places(visible)
    gaps_by_account, declared, scope = latest_gaps_by_account(visible), collectors_by_call(), map_collector_scopes()
    accounts = visible.order_by().values_list("pk", "regions", "unreadable", "last_good_scan_at")
    for pk, regions, error, last_good in accounts.iterator(chunk_size=1000):
        gaps = gaps_by_account.get(pk, [])
        held = read.get(pk, {})
        # Regions that aren't enabled and services that AWS doesn't offer there are nothing that could be read.
        missing = [gap for gap in gaps if counts_as_missing(gap) and gap["kind"] not in coverage.ABSENT_KINDS]
        kinds[
            "skipped"
            if error and error.get("skipped")
            else "unread"
            if error or not last_good
            else "partly"
            if missing
            else "whole"
        ] += 1
        kinds["never"] += not held
        if not (error and error.get("skipped")):
            readings += coverage.estimate_totals(regions or {}, scope, held, find_failed_places(missing, declared))
    known = {name: kinds[name] for name in ("whole", "partly", "unread", "skipped", "never")}
    return OrganizationCoverage(accounts=sum(known.values()) - known["never"], **known, readings=readings)


def read_places(visible: QuerySet[Account]) -> dict[int, dict[str, int]]:
    """Account's row id -> region -> how many collectors were ever read there."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    heads = EvidenceHead.objects.filter(account__in=visible.order_by().values("pk"))
    for pk, region, n in heads.order_by().values_list("account_id", "region").annotate(n=Count("pk")):
        found[pk][region] = n
    return found


def latest_gaps_by_account(visible: QuerySet[Account]) -> dict[int, list[dict[str, str]]]:
    """Account's row id -> gaps of its latest ended Target."""
    # Max(pk) per account, then the rows: DISTINCT ON exists only in PostgreSQL.
    ended = Target.objects.filter(state__in=ENDED_STATES, account__in=visible.order_by().values("pk"))
    newest = ended.order_by().values("account_id").annotate(newest=Max("pk")).values("newest")
    rows = Target.objects.filter(pk__in=newest).values_list("account_id", "gaps")
    return dict(rows.iterator(chunk_size=1000))


def collectors_by_call() -> dict[str, list[str]]:
    """API call -> the collectors that make it."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, item in registry.collectors().items():
        for call in item.collector.calls:
            found[call.api].append(name)
    return found


def find_failed_places(
    gaps: Iterable[Mapping[str, str]], declared: Mapping[str, list[str]]
) -> Iterator[tuple[str, str]]:
    """The (region, collector) pairs whose own calls failed."""
    scope = map_collector_scopes()
    for gap in gaps:
        # A value that was stored with parts replaced has no API call; its gap is named type.fact.
        owner = registry.collector_by_type().get(gap["api"].rpartition(".")[0])
        for name in declared.get(gap["api"], [owner] if owner else []):
            # A global collector may call another region, for a bucket there. That gap still belongs to the account.
            yield (GLOBAL if scope[name] == GLOBAL else gap["region"], name)
