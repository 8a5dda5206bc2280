"""Policies whose patterns are made to be tried in every way: each is read in one pass, or called too many."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scans import registry
from scans.controls.lib.iam_policies import (
    Policy,
    PolicyError,
    list_granted_actions,
    parse_policy,
    path_reads_past_deny,
)
from scans.controls.lib.iam_policies.globs import (
    glob_covers,
    glob_matches,
    glob_overlaps,
    index_symbols,
    is_open_after,
    parse_glob,
    parse_literal,
)
from scans.controls.lib.iam_policies.grants import MAX_COMPARISONS, ResourceShape
from scans.domain.control import ResourceView, Verdict
from scans.domain.engine import judge_view
from scans.domain.evidence import GLOBAL, Context, Resource, World
from tests.attack.hanging import answer_of

STARS = "*a" * 10_000
MATCH = """
import sys
from scans.controls.lib.iam_policies.globs import glob_covers, glob_overlaps, is_open_after, parse_glob, parse_literal
given = sys.stdin.read()
pattern, text = parse_glob(given), parse_literal("a" * len(given))
for shape in (text, pattern, parse_glob(given + "b")):
    glob_covers(pattern, shape), glob_covers(shape, pattern), glob_overlaps(pattern, shape), is_open_after(pattern, shape)
print("done")
"""


@pytest.mark.parametrize("given", [STARS, "?*" * 10_000, "*" * 20_000 + "b", "a*" * 10_000 + "b", "*?a" * 6_000])
def test_no_pattern_is_tried_in_every_way(given: str) -> None:
    assert answer_of(MATCH, given) == "done"


def test_long_patterns_are_judged_rightly() -> None:
    assert glob_matches(STARS, "a" * 20_000)
    assert not glob_matches(STARS + "b", "a" * 20_000)
    assert glob_covers(parse_glob("arn:*"), parse_literal("arn:" + "a" * 20_000))
    assert glob_overlaps(parse_glob(STARS), parse_glob("*" + "b" * 500 + "a"))
    assert is_open_after(parse_glob("arn:" + STARS + "*"), parse_literal("arn:" + "a" * 20_000))


def test_the_steps_are_as_many_as_the_text_has_symbols(monkeypatch: pytest.MonkeyPatch) -> None:
    from scans.controls.lib.iam_policies import globs

    floods: list[int] = []
    flood = globs.spread_positions
    monkeypatch.setattr(globs, "spread_positions", lambda *given: floods.append(1) or flood(*given))
    assert glob_covers(parse_glob(STARS), parse_literal("a" * 5_000 + "b")) is False
    assert len(floods) <= 5_002


def test_long_patterns_are_not_remembered() -> None:
    from scans.controls.lib.iam_policies import globs

    held = globs._cached_index_symbols.cache_info().currsize
    index_symbols(parse_glob(STARS))
    glob_covers(parse_glob(STARS), parse_literal("a" * 1_000))
    assert globs._cached_index_symbols.cache_info().currsize == held


def document(allows: int, denies: int) -> dict[str, object]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "ssm:*", "Resource": [f"*{n}*" for n in range(allows)]},
            {"Effect": "Deny", "Action": "ssm:*", "Resource": [f"*{n}b" for n in range(denies)]},
        ],
    }


@pytest.mark.parametrize(
    "judge",
    [
        path_reads_past_deny,
        lambda policy: list_granted_actions(policy, ["ssm:GetParameter"], [ResourceShape("ssm", "parameter/")]),
    ],
)
def test_too_many_patterns_are_refused_uncompared(judge: Callable[[Policy], object]) -> None:
    policy = parse_policy(document(1_000, 1_000))
    with pytest.raises(PolicyError, match="too much to compare"):
        judge(policy)


@pytest.mark.parametrize("id", ["SSM-AC-002", "SSM-AC-003", "SSM-AC-004"])
def test_control_on_hostile_policy_says_unknown(id: str) -> None:
    loaded = registry.controls()[id]
    facts = {"name": "hostile", "document": document(1_000, 1_000), "attached_to": []}
    resource = Resource("iam.policy", "arn:aws:iam::111122223333:policy/hostile", GLOBAL, facts)
    view = ResourceView(resource, loaded.control, World([]), Context(), loaded.control.facts["iam.policy"])
    outcome = judge_view(view, loaded.evaluate)
    assert outcome is not None
    assert outcome.verdict is Verdict.UNKNOWN
    assert "too much to compare" in outcome.reason


def test_a_policy_as_large_as_aws_lets_one_be_is_judged() -> None:
    policy = parse_policy(document(200, 200))
    assert MAX_COMPARISONS > 200 * 201
    assert list_granted_actions(policy, ["ssm:GetParameter"], [ResourceShape("ssm", "parameter/")]) == [
        "ssm:GetParameter"
    ]
    assert path_reads_past_deny(policy) in {True, False}
