"""Finds the Findings that another one stands for, and links them to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from scans.domain.control import Control, Verdict
from scans.domain.evidence import GLOBAL
from scans.domain.fingerprint import compute_fingerprint
from scans.domain.lifecycle import Event, supersede_if_regrouped
from scans.domain.region_folding import DENIED, REGION_CONTROL, Identity, Replacement, SettledOutcomes
from scans.models import Finding, FindingEvent


def find_replaced(known: Mapping[str, Finding], settled: SettledOutcomes) -> list[tuple[Finding, Replacement]]:
    """The open Findings that another outcome stands for now. known: those without an outcome, by fingerprint."""
    replaced = {compute_fingerprint(*identity): why for identity, why in settled.replaced.items()}
    found = [
        (finding, replaced[mark]) for mark, finding in known.items() if mark in replaced and finding.state == "open"
    ]
    # One that has ever failed stays: what failed may still be there, where nothing can be read any more.
    unsure = [finding.pk for finding, replacement in found if replacement.why == DENIED]
    failed = set(
        FindingEvent.objects.filter(finding__in=unsure, verdict=Verdict.FAIL).values_list("finding", flat=True)
    )
    return [
        (finding, replacement)
        for finding, replacement in found
        if replacement.why != DENIED or (finding.verdict == Verdict.UNKNOWN and finding.pk not in failed)
    ]


def is_regrouped(event: Event, finding: Finding, control: Control) -> bool:
    """True if the event would end a Finding of a version whose outcomes were about other things."""
    moved = supersede_if_regrouped(event, judged_by=finding.control_version, regrouped=control.regrouped)
    return moved is Event.SUPERSEDE


def explain_regrouping(control: Control) -> str:
    return (
        f"Since version {control.regrouped}, {control.id} judges other things, so a scan can't prove that this was "
        "fixed. What is still wrong is in another finding of the control."
    )


def link_successors(superseded: Iterable[tuple[Finding, Identity | None]], standing: Iterable[Finding]) -> None:
    """Set superseded_by, where it is known. standing: the Account's Findings of the judged controls, with new ones.

    Changes rows in memory only.
    """
    waiting = list(superseded)
    if not waiting:
        return
    rows = list(standing)
    by_fingerprint = {row.fingerprint: row for row in rows}
    for finding, by in waiting:
        if by is not None:
            finding.superseded_by = by_fingerprint.get(compute_fingerprint(*by))
        elif finding.reason == DENIED:
            finding.superseded_by = find_region_finding(finding)
    regrouped = [finding for finding, by in waiting if by is None and finding.reason != DENIED]
    link_regrouped(regrouped, rows)


def find_region_finding(finding: Finding) -> Finding | None:
    """The open Finding that tells that its region is denied, from an earlier scan: this one didn't judge that."""
    rows = Finding.objects.filter(account=finding.account_id, control=REGION_CONTROL, state="open")
    whole = next((row for row in rows.filter(region=GLOBAL) if finding.region in row.facts), None)
    return whole or rows.filter(region=finding.region).first()


def link_regrouped(superseded: Iterable[Finding], rows: Iterable[Finding]) -> None:
    """Link Findings to the only open one of their control that names their resource."""
    # No link where several do or none does: a wrong one would tell people that they may forget the others.
    texts: dict[str, list[tuple[Finding, str]]] = {}
    for row in rows:
        if row.state == "open":
            texts.setdefault(row.control, []).append((row, f"{row.reason} {json.dumps(row.facts)}"))
    for finding in superseded:
        name = re.compile(rf"(?<![\w/:-]){re.escape(shorten_arn(finding.resource))}(?![\w/:-])")
        whole = re.compile(rf"{re.escape(finding.resource)}(?![\w/:-])")
        naming = [row for row, text in texts.get(finding.control, ()) if name.search(text) or whole.search(text)]
        finding.superseded_by = naming[0] if len(naming) == 1 else None


def shorten_arn(arn: str) -> str:
    """How reasons name a resource of the account itself: the part after the account's id."""
    return arn.split(":", 5)[-1]
