"""The picture: bounded, in order, and never more than its boxes hold."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from scans.domain.control import Verdict
from scans.insight.flows import FEATURES, Destination, Flow, Grade, Key, KeyKind, Owner, Source
from scans.insight.flows.drawing import MAX_DESTINATIONS, draw_flows
from scans.insight.flows.model import VERDICT_ORDER, pick_worst_verdict
from scans.insight.flows.summary import count_flows, group_flows
from tests.support.examples import examples

TEXT = st.sampled_from(["a", "b", "c-d-e", "\u202e<b>\n", "x" * 90, "é", "/aws/ssm/run"])
GRADES = st.lists(
    st.builds(
        Grade,
        st.sampled_from(["SSM-S3-001", "SSM-S3-005"]),
        st.sampled_from(list(Verdict)),
        st.just("1"),
        st.just("r"),
        TEXT,
    ),
    max_size=3,
).map(tuple)
FLOWS = st.lists(
    st.builds(
        Flow,
        account=st.sampled_from(["111122223333", "444455556666"]),
        region=st.sampled_from(["eu-west-1", "us-east-1"]),
        feature=st.sampled_from(list(FEATURES.values())),
        sources=st.just((Source("ssm.command", "arn"),)),
        destination=st.builds(
            Destination,
            st.sampled_from(["bucket", "log_group"]),
            TEXT,
            TEXT,
            st.sampled_from(list(Owner)),
            st.just(""),
            TEXT,
        ),
        key=st.builds(Key, st.sampled_from(list(KeyKind)), TEXT, TEXT, st.sampled_from(["", "Enabled"])),
        into=GRADES,
        under=GRADES,
    ),
    max_size=12,
)


@settings(max_examples=examples(40), deadline=None)
@given(FLOWS, st.booleans())
def test_boxes_stay_in_the_picture_and_do_not_cover_each_other(flows: list[Flow], folded: bool) -> None:
    picture = draw_flows(group_flows(flows, folded=folded))
    columns: dict[float, list[tuple[float, float]]] = {}
    for box in picture.boxes:
        assert box.x >= 0
        assert box.x + box.width <= picture.width
        assert box.y + box.height <= picture.height + 1
        columns.setdefault(box.x, []).append((box.y, box.y + box.height))
    for spans in columns.values():
        assert all(end <= start for (_, end), (start, _) in pairwise(sorted(spans)))
    assert sum(box.id[0] in {"bucket", "log_group", "folded"} for box in picture.boxes) <= MAX_DESTINATIONS


@settings(max_examples=examples(40), deadline=None)
@given(FLOWS)
def test_picture_has_every_feature_and_the_worst_verdict(flows: list[Flow]) -> None:
    lines = group_flows(flows)
    picture = draw_flows(lines)
    drawn = [edge.verdict for edge in picture.edges]
    assert set(drawn) <= set(VERDICT_ORDER)
    assert pick_worst_verdict(drawn) == pick_worst_verdict([line.verdict for line in lines]) or not lines
    assert {box.text for box in picture.boxes if box.id[0] == "feature"} == {line.feature.label for line in lines}


@settings(max_examples=examples(40), deadline=None)
@given(FLOWS)
def test_unknown_part_is_never_summed_up_as_pass(flows: list[Flow]) -> None:
    unsure = {Owner.UNKNOWN, Owner.HIDDEN, Owner.DANGLING}
    for line in group_flows(flows):
        if line.destination.owner in unsure or line.key.kind in {KeyKind.UNKNOWN, KeyKind.HIDDEN}:
            assert line.verdict in {"fail", "unknown"}
        if any(grade.verdict is Verdict.FAIL for grade in (*line.into, *line.under)):
            assert line.verdict == "fail"


@settings(max_examples=examples(40), deadline=None)
@given(FLOWS)
def test_folding_loses_no_flow_and_softens_no_verdict(flows: list[Flow]) -> None:
    whole, folded = group_flows(flows), group_flows(flows, folded=True)
    assert sum(line.settings for line in whole) == sum(line.settings for line in folded)
    assert pick_worst_verdict(line.verdict for line in whole) == pick_worst_verdict(line.verdict for line in folded)
    assert sum(count_flows(flows).verdicts.values()) == len(flows)


def test_texts_are_cut_in_the_middle_and_kept_whole_in_the_title() -> None:
    name = "a" * 100 + "\u202e<script>\n" + "z" * 100
    place = Destination("bucket", name, "arn", Owner.OWN, "1", "eu-west-1")
    flow = Flow("1", "eu-west-1", FEATURES["01"], (), place, Key(KeyKind.NONE, "none"), (), ())
    box = next(box for box in draw_flows(group_flows([flow])).boxes if box.id[0] == "bucket")
    assert len(box.shown) < 60
    assert box.shown.startswith("aaa")
    assert box.shown.endswith("zzz")
    assert name in box.title


def test_worst_flows_come_first_and_dangling_ahead() -> None:
    def flow(name: str, owner: Owner, verdict: Verdict) -> Flow:
        place = Destination("bucket", name, name, owner)
        grades = (Grade("SSM-S3-005", verdict, "1", "global", name),)
        return Flow("1", "r", FEATURES["01"], (), place, Key(KeyKind.CUSTOMER, "k"), grades, ())

    flows = [
        flow("fine", Owner.OWN, Verdict.PASS),
        flow("bad", Owner.OWN, Verdict.FAIL),
        flow("gone", Owner.DANGLING, Verdict.FAIL),
        flow("dim", Owner.UNKNOWN, Verdict.UNKNOWN),
    ]
    assert [line.destination.name for line in group_flows(flows)] == ["gone", "bad", "dim", "fine"]
