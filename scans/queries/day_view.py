"""Loads an Account or a Finding on a past day for its page."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from accounts.models import Account
from governance.core.states import TARGET_ENDED
from scans import registry
from scans.domain.evidence import GLOBAL
from scans.models import Finding, Target
from scans.queries import cells
from scans.queries.cells import ControlLine, Counts
from scans.timemachine import as_of
from scans.timemachine.as_of import PastFinding
from scans.timemachine.diff import FactChange, list_fact_changes
from scans.timemachine.rejudge import EvidenceLostError, RejudgedAccount, rejudge_account, rejudge_target

MAX_SHOWN_FINDINGS = 200


@dataclass(slots=True)
class AccountAsOf:
    """An account at a past moment.

    target: the Target with the latest good evidence; None if nothing had been read.
    whole: whether the whole account had been read by then. If not, target read a part of it.
    layers: how many Targets count.
    missed: the last Target by then that ended without reading the account.
    lines: the outcomes by today's controls. findings: the first MAX_SHOWN_FINDINGS of the `open` ones.
    lost: evidence that can't be judged any more.
    """

    target: Target | None = None
    layers: int = 0
    whole: bool = False
    missed: Target | None = None
    lines: list[ControlLine] = field(default_factory=list)
    total: Counts = cells.NO_COUNTS
    findings: list[PastFinding] = field(default_factory=list)
    open: int = 0
    lost: list[str] = field(default_factory=list)


def load_account_as_of(account: Account, moment: datetime, *, with_findings: bool) -> AccountAsOf:
    past = AccountAsOf()
    layers = as_of.layers_of([account], moment).get(account.pk, [])
    past.layers, past.target = len(layers), layers[-1] if layers else None
    past.whole = bool(layers) and as_of.is_whole(layers[-1])
    past.missed = find_missed_target(account, moment, layers[0] if layers else None)
    try:
        found = rejudge_account(account, layers)
    except EvidenceLostError as error:
        found, past.lost = None, [str(error)]
    if found:
        past.lost = list(dict.fromkeys(gap.sentence() for gap in found.unreadable_evidence))
        past.lines = tally_control_lines(found)
        past.total = cells.sum_counts(line.counts for line in past.lines)
    if with_findings and past.target:
        rows = Finding.objects.filter(account=account).select_related("account").order_by("control", "region", "pk")
        opened = (then for then in as_of.findings_at(rows, moment) if then.state == "open")
        past.findings = list(islice(opened, MAX_SHOWN_FINDINGS))
        # The rest is counted without keeping it: an account can have thousands of findings.
        past.open = len(past.findings) + sum(1 for _ in opened)
    return past


def find_missed_target(account: Account, moment: datetime, read: Target | None) -> Target | None:
    """The last Target by then that ended without reading the account, after the one that did read it."""
    ended = account.targets.filter(state__in=TARGET_ENDED - {"done"}, manifest="", finished_at__lte=moment)
    if read is not None and read.collected_at is not None:
        ended = ended.filter(finished_at__gt=read.collected_at)
    return ended.select_related("scan").order_by("-finished_at", "-id").first()


def tally_control_lines(found: RejudgedAccount) -> list[ControlLine]:
    """The counts by control, as in the roll-up: without outcomes that only a limited Scan covers."""
    tallies: dict[str, Counter[str]] = defaultdict(Counter)
    for item, _ in found.reportable:
        tallies[item.control.id][item.outcome.verdict] += 1
    return [
        cells.make_control_line(id, Counts(tally["pass"], tally["fail"], tally["unknown"], tally["not_applicable"]))
        for id, tally in sorted(tallies.items())
    ]


@dataclass(frozen=True, slots=True)
class FindingAsOf:
    """A finding at a past moment. then: None if it was first seen later.

    changed: the facts that differ from today's; None if that evidence is no longer kept."""

    then: PastFinding | None
    changed: list[FactChange] | None


def load_facts_at(then: PastFinding) -> Mapping[str, Any] | None:
    """The facts of that time. None: the evidence is no longer kept, or the event was not about a resource."""
    loaded = registry.controls().get(then.finding.control)
    if loaded is None or loaded.control.one_per_account is None or then.finding.region != GLOBAL:
        return as_of.load_past_facts(then)
    # What is said of the account rests on the evidence of every region, so that of its scan is judged again.
    account = then.finding.account
    found = as_of.good_targets().filter(account=account, scan=then.last_event.scan).select_related("scan").first()
    try:
        results = [result.settled for result, _ in rejudge_target(found, account, [loaded.control.id])] if found else []
    except EvidenceLostError:
        return None
    items = [item for settled in results for item in (*settled.judged, *settled.of_account)]
    return next((item.facts for item in items if item.resource == then.finding.resource), None)


def load_finding_as_of(finding: Finding, moment: datetime) -> FindingAsOf:
    then = as_of.finding_at(finding, moment)
    facts = load_facts_at(then) if then else None
    return FindingAsOf(then, None if facts is None else list(list_fact_changes(facts, finding.facts)))
