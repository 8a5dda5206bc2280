"""Parts the outcomes of a limited scan from those that it could judge completely."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from accounts.models import Account
from scans.domain import partial_scans
from scans.domain.control import Verdict
from scans.domain.engine import JudgedOutcome
from scans.domain.fingerprint import compute_fingerprint
from scans.models import Finding


@dataclass(frozen=True, slots=True)
class CompletePlaces:
    """The (control, region) pairs that were listed completely, so that a missing resource is gone.

    left_unchanged: fingerprints of resources that exist but were judged only in part, because of the limits of the Scan.
    """

    places: frozenset[tuple[str, str]]
    left_unchanged: frozenset[str] = frozenset()

    def covers(self, finding: Finding) -> bool:
        return (finding.control, finding.region) in self.places and finding.fingerprint not in self.left_unchanged


def find_complete_places(
    judged: Iterable[JudgedOutcome],
    scanned: set[tuple[str, str]],
    left_unchanged: frozenset[str] = frozenset(),
    unsettled: Collection[tuple[str, str]] = (),
) -> CompletePlaces:
    """The judged places without those whose list of resources may be incomplete. unsettled: more of those."""
    # Two reasons for that: the place itself is unknown, or a resource that names further resources is.
    unsure = (item for item in judged if item.outcome.verdict is Verdict.UNKNOWN)
    incomplete = {
        (item.control.id, item.region) for item in unsure if item.about_place or item.type in item.control.names_others
    }
    return CompletePlaces(frozenset(scanned - incomplete - set(unsettled)), left_unchanged)


@dataclass(slots=True)
class OutcomeSplit:
    """The outcomes of a limited Scan.

    reported: outcomes to report. left_unchanged: fingerprints of Findings that stay as they are.
    limited: places that were read in part.
    of_others: how many unchanged ones depend on accounts that the Scan left out.
    """

    reported: list[JudgedOutcome] = field(default_factory=list)
    left_unchanged: set[str] = field(default_factory=set)
    limited: set[tuple[str, str]] = field(default_factory=set)
    of_others: int = 0


def split_outcomes(
    judged: Iterable[JudgedOutcome], account: Account, known: Mapping[str, Finding], read: partial_scans.RegionLimit
) -> OutcomeSplit:
    """Split off outcomes that are unknown only because of the Scan's limits. They open and change no Finding."""
    split = OutcomeSplit()
    for item in judged:
        if not partial_scans.is_limited(item, read):
            split.reported.append(item)
            continue
        split.limited.add((item.control.id, item.region))
        fingerprint = compute_fingerprint(item.control.id, account.account_id, item.region, item.resource)
        rest = partial_scans.drop_left_out_gaps(item, read)
        # An open Finding stays as it is even if there are other gaps: the earlier Scan knew more than this one.
        is_open = fingerprint in known and known[fingerprint].state == "open"
        if rest is None or is_open:
            split.left_unchanged.add(fingerprint)
            split.of_others += partial_scans.is_limited_by_others(item)
        else:
            split.reported.append(rest)
    return split
