"""The engine's promises, with a control made for the purpose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans.domain.control import (
    Control,
    ControlScope,
    Evaluate,
    Outcome,
    Remediation,
    ResourceView,
    Severity,
    UndeclaredFactError,
    Verdict,
    failed,
    passed,
)
from scans.domain.engine import judge_all
from scans.domain.evidence import Context, Evidence, World

GAP = Gap(GapKind.DENIED, "kms.DescribeKey", "kms:DescribeKey", "eu-west-1", "AccessDeniedException")
CONTROL = Control(
    id="SSM-XX-001", file="ssm_xx_001", title="t", severity=Severity.LOW, scope=ControlScope.REGION,
    facts={"example.thing": ("first", "second")}, container="arn:{p}:example:{r}:{a}:thing/*",
    remediation=Remediation("fix", "aws fix"), statements=("S1",), quote="q",
)  # fmt: skip


def both(resource: ResourceView) -> Outcome:
    if resource["first"] == "bad":
        return failed("first is bad")
    return passed("fine") if resource["second"] == "good" else failed("second is bad")


def only_first(resource: ResourceView) -> Outcome | None:
    return None if resource["first"] == "other" else passed("looked at first only")


def outcomes(evidence: Evidence, evaluate: Evaluate = both, context: Context | None = None) -> dict[str, Outcome]:
    context = context or Context(account="111122223333")
    judged = judge_all([(CONTROL, evaluate)], World([evidence]), context, regions=["eu-west-1"])
    return {item.resource: item.outcome for item in judged}


def things(**facts_by_arn: dict[str, Any]) -> Evidence:
    evidence = Evidence("example", "eu-west-1", types=("example.thing",))
    for arn, facts in facts_by_arn.items():
        evidence.add("example.thing", arn, **facts)
    return evidence


def test_each_resource_gets_one_outcome() -> None:
    got = outcomes(things(a={"first": "ok", "second": "good"}, b={"first": "bad", "second": "good"}))
    assert {arn: o.verdict for arn, o in got.items()} == {"a": Verdict.PASS, "b": Verdict.FAIL}


def test_fail_may_rest_on_one_fact_while_another_is_a_gap() -> None:
    assert outcomes(things(a={"first": "bad", "second": GAP}))["a"].verdict is Verdict.FAIL


def test_pass_needs_every_declared_fact() -> None:
    outcome = outcomes(things(a={"first": "ok", "second": GAP}), only_first)["a"]
    assert (outcome.verdict, outcome.gaps) == (Verdict.UNKNOWN, (GAP,))


def test_missing_fact_is_unknown_not_none() -> None:
    assert outcomes(things(a={"first": "ok"}))["a"].verdict is Verdict.UNKNOWN


def test_reading_an_undeclared_fact_is_a_defect_not_an_outcome() -> None:
    with pytest.raises(UndeclaredFactError, match=r"example\.thing\.third"):
        outcomes(things(a={"first": "ok"}), lambda r: passed(r["third"]))


def test_empty_complete_list_is_not_applicable_at_place() -> None:
    assert {arn: o.verdict for arn, o in outcomes(things()).items()} == {
        "arn:aws:example:eu-west-1:111122223333:thing/*": Verdict.NOT_APPLICABLE
    }


def test_no_subject_among_the_resources_is_not_applicable() -> None:
    got = outcomes(things(a={"first": "other", "second": "x"}), only_first)
    assert [o.verdict for o in got.values()] == [Verdict.NOT_APPLICABLE]


def test_refused_list_is_unknown_beside_read_resources() -> None:
    evidence = things(a={"first": "ok", "second": "good"})
    evidence.record_gap("example.thing", GAP)
    got = outcomes(evidence)
    assert got["a"].verdict is Verdict.PASS
    place = got["arn:aws:example:eu-west-1:111122223333:thing/*"]
    assert place.verdict is Verdict.UNKNOWN
    assert "kms.DescribeKey in eu-west-1 was denied" in place.reason


def test_evidence_that_was_never_collected_is_unknown() -> None:
    judged = list(judge_all([(CONTROL, both)], World([]), Context(account="1"), regions=["eu-west-1"]))
    assert [item.outcome.verdict for item in judged] == [Verdict.UNKNOWN]


def test_one_arn_of_two_types_gets_the_worse_outcome() -> None:
    """A Finding is of one ARN: two outcomes about it would be refused by the database, and the account with them."""
    control = replace(CONTROL, facts={"example.other": ("first",), "example.thing": ("first", "second")})
    evidence = things(a={"first": "bad", "second": "good"}, b={"first": "ok", "second": GAP})
    evidence.types = ("example.other", "example.thing")
    for arn in ("a", "b"):
        evidence.add("example.other", arn, first="ok")

    def evaluate(resource: ResourceView) -> Outcome:
        return both(resource) if resource.type == "example.thing" else passed("fine")

    context = Context(account="111122223333")
    judged = list(judge_all([(control, evaluate)], World([evidence]), context, regions=["eu-west-1"]))
    assert [(item.resource, item.outcome.verdict) for item in judged] == [("a", Verdict.FAIL), ("b", Verdict.UNKNOWN)]
