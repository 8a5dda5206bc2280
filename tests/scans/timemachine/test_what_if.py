"""The fix of every control, tried on its own cases; and what a fix would break."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans import registry
from scans.domain.control import (
    GAP,
    Case,
    Control,
    ControlScope,
    FixEffect,
    Outcome,
    Remediation,
    ResourceView,
    Severity,
    Verdict,
    failed,
    passed,
)
from scans.domain.engine import container_arn
from scans.domain.evidence import GLOBAL, Context, Evidence, Resource
from scans.timemachine.what_if import Simulation, SimulationError, simulate_fix

CONTROLS = registry.controls()
ACCOUNT = "111122223333"
# Their fix changes nothing that is read: what happened has happened, and what a denied region holds is not known.
HISTORY = {"SSM-NT-002", "SSM-NT-003", "SSM-RD-001"}


def evidences_of(item: registry.LoadedControl, case: Case) -> list[Evidence]:
    control = item.control
    type = case.type or next(iter(control.facts))
    types = tuple(dict.fromkeys([*control.facts, *control.related]))
    made = Evidence("cases", case.region, types=types)
    facts = dict(case.facts)
    for other, by_arn in case.related.items():
        for arn, found in by_arn.items():
            if (other, arn) == (type, case.arn):
                facts |= found
                continue
            plain = {name: value for name, value in found.items() if name != "$region"}
            made.resources.append(Resource(other, arn, str(found.get("$region", case.region)), plain))
    made.resources.append(Resource(type, case.arn, case.region, facts))
    for refused in case.related_gaps:
        made.record_gap(refused, GAP)
    return [made, Evidence("cases", GLOBAL, types=types)]


def tried(item: registry.LoadedControl, case: Case) -> Simulation:
    context = Context(**{"account": ACCOUNT, "as_of": "2026-01-01T00:00:00+00:00", **case.context})
    if item.control.scope is ControlScope.ORGANIZATION:
        context = Context(**{**case.context, "account": ACCOUNT, "management_account": ACCOUNT})
    identity = (item.control.id, context.account, case.region, case.arn)
    if item.control.one_per_account is Verdict.FAIL:
        identity = (item.control.id, context.account, GLOBAL, container_arn(item.control, context, GLOBAL))
    return simulate_fix(
        identity, item.fix, evidences_of(item, case), [([(item.control, item.evaluate)], context)], regions=[]
    )


def failing() -> Iterator[object]:
    for id, item in CONTROLS.items():
        if item.fix is not None:
            for case in item.cases:
                if case.verdict is Verdict.FAIL:
                    yield pytest.param(item, case, id=f"{id} {case.name}")


@pytest.mark.parametrize(("item", "case"), list(failing()))
def test_failing_case_passes_after_its_fix(item: registry.LoadedControl, case: Case) -> None:
    try:
        found = tried(item, case)
    except SimulationError as error:
        assert "can't be tried" in str(error) or "It is unknown" in str(error)  # noqa: PT017
        return
    assert found.changes
    # What could not be read or understood beside it stays unknown; nothing goes on failing.
    assert found.would_pass or "could not be" in found.after.reason.lower(), found


def test_nearly_every_control_has_a_fix_that_can_be_tried() -> None:
    assert {id for id, item in CONTROLS.items() if item.fix is None} <= HISTORY


@pytest.mark.parametrize(
    "item", [i for i in CONTROLS.values() if i.fix], ids=[id for id, i in CONTROLS.items() if i.fix]
)
def test_each_cure_is_proved_by_a_case(item: registry.LoadedControl) -> None:
    proved = 0
    for case in item.cases:
        if case.verdict is Verdict.FAIL:
            try:
                proved += tried(item, case).would_pass
            except SimulationError:
                continue
    assert proved


# ---- what a fix would do to others, with evidence made for the purpose

PS, AU, TRAILS = "SSM-PS-001", "SSM-AU-001", "cloudtrail.trail"


def whole() -> list[tuple[Sequence[tuple[Control, Any]], Context]]:
    everything = [(c.control, c.evaluate) for c in CONTROLS.values() if not c.control.needs_organization]
    return [(everything, Context(account=ACCOUNT, organization="o-example", as_of="2026-01-01T00:00:00+00:00"))]


def test_a_fix_that_breaks_another_control_says_so() -> None:
    region = Evidence("cloudtrail", GLOBAL, types=("cloudtrail.account", TRAILS))
    arn = f"arn:aws:cloudtrail::{ACCOUNT}:trail/*"
    region.add("cloudtrail.account", arn, trails=[])
    ((others, context),) = whole()
    judged = [*others, (CONTROLS[AU].control, CONTROLS[AU].evaluate)]
    found = simulate_fix((AU, ACCOUNT, GLOBAL, arn), CONTROLS[AU].fix, [region], [(judged, context)])
    assert found.would_pass
    # The new trail has no key of the customer and sends nothing to CloudWatch Logs.
    assert [s.judged.control.id for s in found.breaks] == ["SSM-AU-003", "SSM-AU-005"]
    assert any(change.there is False and change.fact == "multi_region" for change in found.changes)


def parameter(**facts: Any) -> Evidence:
    made = Evidence("ssm_parameters", "eu-west-1", types=("ssm.parameter",))
    made.add("ssm.parameter", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/x", **facts)
    return made


def test_simulation_leaves_evidence_and_lists_changes() -> None:
    made = parameter(name="x", type="String", secret_name="password", key_id=None, hits=[])
    before = [(r.type, r.arn, dict(r.facts)) for r in made.resources]
    arn = made.resources[0].arn
    found = simulate_fix((PS, ACCOUNT, "eu-west-1", arn), CONTROLS[PS].fix, [made], whole())
    assert [(r.type, r.arn, dict(r.facts)) for r in made.resources] == before
    assert found.after is None, "the old parameter is gone"
    assert [change.arn for change in found.changes if change.gone] == [arn]
    assert found.breaks == ()


THING = Control(
    id="SSM-XX-001", file="ssm_xx_001", title="t", severity=Severity.LOW, scope=ControlScope.REGION,
    facts={"ssm.parameter": ("type",)}, container="arn:{p}:x:{r}:{a}:*", remediation=Remediation("s", "c"),
    statements=("S1",), quote="q",
)  # fmt: skip


def judge_thing(resource: ResourceView) -> Outcome:
    return failed("bad.") if resource["type"] == "String" else passed("good.")


def thing_foretold(fix: Any, **facts: Any) -> Simulation:
    made = parameter(**{"type": "String", **facts})
    identity = ("SSM-XX-001", ACCOUNT, "eu-west-1", made.resources[0].arn)
    return simulate_fix(identity, fix, [made], [([(THING, judge_thing)], Context(account=ACCOUNT))])


def test_a_fix_that_does_not_help_still_fails_and_says_why() -> None:
    found = thing_foretold(lambda r: (FixEffect(r.type, r.region, r.arn, {"tier": "Advanced"}),))
    assert not found.would_pass
    assert found.after is not None
    assert (found.after.verdict, found.after.reason) == (Verdict.FAIL, "bad.")
    [change] = found.changes
    assert (change.fact, change.known, change.after) == ("tier", False, "Advanced")


def test_impossible_simulation_says_why() -> None:
    gap = Gap(GapKind.DENIED, "ssm.Describe", "ssm:Describe", "eu-west-1", "AccessDenied")
    with pytest.raises(SimulationError, match="be tried on evidence"):
        thing_foretold(None)
    with pytest.raises(SimulationError, match="be tried on evidence"):
        thing_foretold(lambda _: ())
    with pytest.raises(SimulationError, match="doesn't show a failure"):
        thing_foretold(lambda r: (FixEffect(r.type, r.region, r.arn, {"type": "x"}),), type="fine")
    with pytest.raises(SimulationError, match="doesn't show a failure"):
        thing_foretold(lambda r: (), type=gap)

    def needs_more(resource: ResourceView) -> tuple[FixEffect, ...]:
        return (
            FixEffect(resource.type, resource.region, resource.arn, {"type": resource["type"], "x": resource.all("y")}),
        )

    with pytest.raises(LookupError, match="doesn't declare"):
        thing_foretold(needs_more)


def test_fix_by_fact_reaches_every_matching_resource() -> None:
    made = parameter(type="String", key_id="k")
    made.add("ssm.parameter", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/y", type="String", key_id="k")
    made.add("ssm.parameter", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/z", type="String", key_id="other")
    identity = ("SSM-XX-001", ACCOUNT, "eu-west-1", made.resources[0].arn)
    found = simulate_fix(
        identity, lambda r: (FixEffect(r.type, r.region, facts={"type": "fine"}, where=("key_id", "k")),), [made],
        [([(THING, judge_thing)], Context(account=ACCOUNT))],
    )  # fmt: skip
    assert found.would_pass
    assert [shift.judged.resource[-1] for shift in found.fixes] == ["y"]
