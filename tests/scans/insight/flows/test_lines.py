"""Flows as rows and as a Graphviz graph."""

from __future__ import annotations

import csv
import io
import json

from scans.insight.flows import FEATURES, Destination, Flow, Key, KeyKind, Owner, build_flows
from scans.insight.flows import export_rows as rows
from scans.queries import exports
from tests.scans.insight.flows.worlds import DENIED, MINE, REGION, blank, bucket, command, destination, key, side

HOSTILE = 'x"; evil [label="\\\n<script>\u202e'


def some() -> Flow:
    found = blank()
    command(found, "mine")
    destination(found, "mine", own=True)
    bucket(found, "mine")
    key(found)
    return build_flows(side(found), {})[0][0]


def test_a_row_has_every_column_and_nothing_else() -> None:
    assert tuple(rows.build_flow_row(some())) == rows.FLOW_COLUMNS


def test_gap_is_exported_as_a_row() -> None:
    found = blank()
    found[REGION, "ssm_commands"].record_gap("ssm.command", DENIED)
    (row,) = [rows.build_gap_row(item) for item in build_flows(side(found), {})[1]]
    assert set(row) == set(rows.FLOW_COLUMNS)
    assert (row["account"], row["feature"], row["verdict"]) == (MINE, "unread", "unknown")
    assert "ssm.ListCommands" in row["why"]


def test_rows_survive_csv() -> None:
    text = "".join(exports.format_rows([rows.build_flow_row(some())], format="csv", columns=rows.FLOW_COLUMNS))
    (read,) = csv.DictReader(io.StringIO(text))
    assert json.loads(read["into_controls"])["SSM-S3-002"] == "fail"


def test_a_hostile_name_stays_inside_its_string() -> None:
    place = Destination("bucket", HOSTILE, HOSTILE, Owner.FOREIGN)
    flow = Flow(MINE, REGION, FEATURES["01"], (), place, Key(KeyKind.UNKNOWN, HOSTILE), (), ())
    graph = list(rows.render_flows_dot([flow]))
    assert (graph[0], graph[-1]) == ("digraph flows {", "}")
    for statement in graph[2:-1]:
        rest = statement.strip()
        while rest:
            if rest.startswith('"'):
                _, end = json.JSONDecoder().raw_decode(rest)
                rest = rest[end:].lstrip()
            else:
                head, quote, tail = rest.partition('"')
                assert "evil" not in head
                rest = quote + tail


def test_a_node_is_written_once() -> None:
    graph = list(rows.render_flows_dot([some(), some()]))
    assert len(graph) == len(set(graph))
