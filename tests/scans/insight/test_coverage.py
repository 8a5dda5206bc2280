"""How much was read: complete, in part, not applicable, never read."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.aws.gaps import Gap, GapKind
from scans.domain.evidence import GLOBAL, Evidence
from scans.insight.coverage import (
    READING_COLUMNS,
    REGIONS_NOT_KNOWN,
    CollectorReading,
    ReadingState,
    ReadingTotals,
    add_judged_gaps,
    assess_evidence,
    build_reading_row,
    count_readings,
    estimate_totals,
    list_readings,
)
from tests.support.examples import examples

SCOPES = {"iam": GLOBAL, "kms": "region", "ssm": "region"}
STATUSES = {"eu-west-1": "ENABLED_BY_DEFAULT", "us-east-1": "ENABLED", "af-south-1": "DISABLED"}


def gap(kind: GapKind = GapKind.DENIED, region: str = "eu-west-1") -> Gap:
    return Gap(kind, "kms.DescribeKey", "kms:DescribeKey", region, "AccessDeniedException")


def whole(region: str, collector: str) -> Evidence:
    return Evidence(collector, region, types=("a.thing",))


def everything() -> dict[tuple[str, str], Evidence]:
    places = [(GLOBAL, "iam"), *((r, c) for r in ("eu-west-1", "us-east-1") for c in ("kms", "ssm"))]
    return {place: whole(*place) for place in places}


def covered(evidences: dict[tuple[str, str], Evidence], **more: object) -> dict[tuple[str, str], CollectorReading]:
    statuses = more.get("statuses", STATUSES)
    current = more.get("current", set(evidences))
    lines = list_readings("111122223333", statuses, SCOPES, evidences, current)  # type: ignore[arg-type]
    return {(line.region, line.collector): line for line in lines}


def test_full_read_is_complete_without_disabled_regions() -> None:
    lines = covered(everything())
    assert count_readings(lines.values()) == ReadingTotals(complete=5, not_applicable=2)
    assert count_readings(lines.values()).percent == 100
    assert "not enabled" in lines["af-south-1", "kms"].why


def test_refused_list_or_fact_is_partial_with_reason() -> None:
    evidence = whole("eu-west-1", "kms")
    evidence.record_gap("kms.key", gap())
    evidence.add("kms.reference", "x", state=gap(), key="k")
    state, missing = assess_evidence(evidence)
    assert state is ReadingState.PARTIAL
    assert [(item.gap, item.types) for item in missing] == [(gap(), ("kms.key", "kms.reference.state"))]


def test_unsupported_service_is_not_applicable_alone() -> None:
    evidence = whole("eu-west-1", "kms")
    evidence.record_gap("kms.key", gap(GapKind.UNSUPPORTED))
    assert assess_evidence(evidence)[0] is ReadingState.NOT_APPLICABLE
    evidence.record_gap("kms.key", gap(GapKind.THROTTLED))
    assert assess_evidence(evidence)[0] is ReadingState.PARTIAL


def test_unrequested_place_was_never_read() -> None:
    evidences = everything()
    del evidences["us-east-1", "ssm"]
    line = covered(evidences)["us-east-1", "ssm"]
    assert (line.state, line.current) == (ReadingState.NEVER_READ, False)


def test_evidence_omitted_by_latest_scan_is_older() -> None:
    lines = covered(everything(), current={(GLOBAL, "iam")})
    assert lines[GLOBAL, "iam"].current
    assert not lines["eu-west-1", "kms"].current


def test_unknown_account_counts_with_every_collector() -> None:
    lines = covered({}, statuses={})
    assert set(lines) == {(GLOBAL, "iam"), (REGIONS_NOT_KNOWN, "kms"), (REGIONS_NOT_KNOWN, "ssm")}
    assert count_readings(lines.values()).percent == 0


def test_a_row_has_every_column() -> None:
    evidence = whole("eu-west-1", "kms")
    evidence.record_gap("kms.key", gap(GapKind.DENIED_BY_SCP))
    said = build_reading_row(covered({("eu-west-1", "kms"): evidence})["eu-west-1", "kms"])
    assert tuple(said) == READING_COLUMNS
    assert said["missing"][0]["action"] == "kms:DescribeKey"
    assert said["missing"][0]["why"] == "denied_by_scp"


PLACES = sorted(everything())


@settings(max_examples=examples(60), deadline=None)
@given(st.sets(st.sampled_from(PLACES)), st.sets(st.sampled_from(PLACES)))
def test_coverage_estimate_matches_the_evidence(held: set[tuple[str, str]], denied: set[tuple[str, str]]) -> None:
    """Where every gap arose in the place itself, both ways of counting agree."""
    evidences = {place: whole(*place) for place in held}
    for place in denied & held:
        evidences[place].record_gap("a.thing", gap(region=place[0]))
    read: dict[str, int] = {}
    for region, _ in held:
        read[region] = read.get(region, 0) + 1
    assert estimate_totals(STATUSES, SCOPES, read, denied & held) == count_readings(covered(evidences).values())


@settings(max_examples=examples(60), deadline=None)
@given(st.sets(st.sampled_from(PLACES)), st.sampled_from(PLACES))
def test_refused_read_never_raises_coverage(held: set[tuple[str, str]], place: tuple[str, str]) -> None:
    evidences = {each: whole(*each) for each in held}
    before = count_readings(covered(evidences).values()).percent or 0
    evidences[place] = whole(*place)
    evidences[place].record_gap("a.thing", gap(region=place[0]))
    assert (count_readings(covered(evidences).values()).percent or 0) <= before


def test_judged_refusal_makes_its_reading_partial() -> None:
    head = Gap(GapKind.DENIED, "iam.Look", "iam:Look", GLOBAL, "403")
    lines = add_judged_gaps(covered(everything()).values(), [head], {"iam.Look": ["iam"]})
    told = {(line.region, line.collector): line for line in lines if line.missing}
    assert list(told) == [(GLOBAL, "iam")]
    assert (told[GLOBAL, "iam"].state, told[GLOBAL, "iam"].missing[0].gap) == (ReadingState.PARTIAL, head)
    assert add_judged_gaps(lines, [head], {"iam.Look": ["iam"]}) == lines, "it is said once"
    older = covered(everything(), current=set()).values()
    assert not any(line.missing for line in add_judged_gaps(older, [head], {"iam.Look": ["iam"]}))
