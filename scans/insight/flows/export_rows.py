"""Formats flows as export rows and as a Graphviz graph. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from scans.insight.flows.building import FlowTypeGap
from scans.insight.flows.model import Flow, Grade
from scans.insight.flows.summary import KEY_LABELS, OWNER_LABELS, FlowGroup, group_flows, list_control_verdicts

FLOW_COLUMNS = (
    "account", "region", "feature", "feature_label", "sources", "destination", "destination_kind", "destination_arn",
    "owner", "owner_account", "destination_region", "key", "key_kind", "key_arn", "key_state", "into", "into_controls",
    "under", "under_controls", "verdict", "why",
)  # fmt: skip
NEVER_READ_TEXT = "This account was never read."
VERDICT_COLORS = {"fail": "#b3261e", "unknown": "#8a5a00", "pass": "#1a7f4b"}


def build_flow_row(flow: Flow) -> dict[str, Any]:
    """One flow as a row. into: the verdict of the step to the destination. under: of the step to the key.
    *_controls: control -> verdict."""
    place, key = flow.destination, flow.key
    return {
        "account": flow.account,
        "region": flow.region,
        "feature": flow.feature.id,
        "feature_label": flow.feature.label,
        "sources": [{"type": source.type, "arn": source.arn} for source in flow.sources],
        "destination": place.name,
        "destination_kind": place.kind,
        "destination_arn": place.arn,
        "owner": str(place.owner),
        "owner_account": place.account,
        "destination_region": place.region,
        "key": key.name,
        "key_kind": str(key.kind),
        "key_arn": key.arn,
        "key_state": key.state,
        "into": flow.into_verdict,
        "into_controls": map_control_verdicts(flow.into),
        "under": flow.under_verdict,
        "under_controls": map_control_verdicts(flow.under),
        "verdict": flow.verdict,
        "why": "",
    }


# (account, flows, incomplete types, whether the account was ever read)
ReadFlows = tuple[Any, Iterable[Flow], Iterable[FlowTypeGap], bool]


def build_flow_rows(read: Iterable[ReadFlows]) -> Iterator[dict[str, Any]]:
    """The rows of each account."""
    # An account that was never read gets a row too. Without one, the export would claim that it has no flows.
    for account, flows, type_gaps, was_read in read:
        if not was_read:
            yield build_gap_row(FlowTypeGap(account.account_id, "", "", ()), NEVER_READ_TEXT)
        yield from map(build_flow_row, flows)
        yield from map(build_gap_row, type_gaps)


def map_control_verdicts(grades: Iterable[Grade]) -> dict[str, str]:
    return dict(list_control_verdicts(grades))


def build_gap_row(type_gap: FlowTypeGap, why: str = "") -> dict[str, Any]:
    """The row of an incomplete type: feature `unread`, verdict unknown. Flows may be missing."""
    empty: dict[str, Any] = dict.fromkeys(FLOW_COLUMNS, "")
    why = why or "; ".join(gap.sentence() for gap in type_gap.gaps)
    return {
        **empty, "account": type_gap.account, "region": type_gap.region, "feature": "unread", "verdict": "unknown",
        "sources": [{"type": type_gap.type, "arn": ""}], "into_controls": {}, "under_controls": {}, "why": why,
    }  # fmt: skip


def render_accounts_dot(read: Iterable[ReadFlows]) -> Iterator[str]:
    """The graph in Graphviz's language, with a comment for each list that is incomplete."""
    unknown: list[str] = []

    def flows() -> Iterator[Flow]:
        for account, found, type_gaps, was_read in read:
            unknown.extend(f"{item.account} {item.region} {item.type}: not completely read" for item in type_gaps)
            unknown.extend([] if was_read else [f"{account.account_id}: {NEVER_READ_TEXT}"])
            yield from found

    yield from render_flows_dot(flows(), unknown)


def render_flows_dot(flows: Iterable[Flow], unknown: Sequence[str] = ()) -> Iterator[str]:
    """The graph in Graphviz's language, line by line. Draw it with `dot -Tsvg`."""
    yield "digraph flows {"
    yield '  rankdir=LR; node [shape=box, fontname="sans-serif"]; edge [fontname="sans-serif"];'
    written: set[str] = set()
    for line in group_flows(flows):
        for statement in render_dot_statements(line):
            if statement not in written:
                written.add(statement)
                yield statement
    yield from (f"  // {line}" for line in unknown)
    yield "}"


def render_dot_statements(line: FlowGroup) -> Iterator[str]:
    feature, place, key = line.feature, line.destination, line.key
    a, b = quote_for_dot(f"feature {feature.id}"), quote_for_dot(f"{place.kind} {place.arn}")
    c = quote_for_dot(f"key {key.kind} {key.arn or key.name}")
    owner = f"{OWNER_LABELS[place.owner]} {place.account}".strip()
    style = ", style=bold, color=red" if line.stands_out else ""
    yield f"  {a} [label={quote_for_dot(feature.label)}];"
    yield f"  {b} [label={quote_for_dot(place.name + chr(10) + owner)}{style}];"
    yield f"  {c} [label={quote_for_dot(key.name + chr(10) + KEY_LABELS[key.kind])}];"
    yield f"  {a} -> {b} [{format_dot_arrow(line.into_verdict)}];"
    yield f"  {b} -> {c} [{format_dot_arrow(line.under_verdict)}];"


def format_dot_arrow(verdict: str) -> str:
    return f"label={quote_for_dot(verdict.replace('_', ' '))}, color={quote_for_dot(VERDICT_COLORS.get(verdict, '#5c6670'))}"


def quote_for_dot(text: str) -> str:
    """A quoted Graphviz string. JSON quoting fits, except for \\uXXXX, which Graphviz doesn't know."""
    return json.dumps(text, ensure_ascii=False)
