"""Values are looked through and forgotten; nothing is read twice, nothing encrypted is read at all."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.aws.gaps import GapKind
from scans.collectors.ssm_values import COLLECTOR, SECONDS_APART, collect
from scans.detectors import compute_revision
from scans.domain.collector import VALUE_ROLE, EarlierEvidence
from scans.domain.evidence import Context, Evidence, Resource, parse_evidence, serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import DENIED, all_of

ON = Context(policy={"inspect_values": True})
BASE = "arn:aws:ssm:eu-west-1:111122223333:parameter/"
SECRET = "AKIA" + "Z7QF3LWXK2MDB5TE"
GET = ("ssm", "GetParameters")


def parameter(name: str = "apps/x", **facts: Any) -> Any:
    given = {"name": f"/{name}", "type": "String", "version": 1, "modified": "2026-01-01T00:00:00+00:00"}
    return Resource("ssm.parameter", BASE + name, "eu-west-1", given | facts)


def value(name: str, text: Any = "plain", **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "String", "Value": text, "Version": 1, **more}


def reader(*values: dict[str, Any], invalid: tuple[str, ...] = ()) -> FakeReader:
    return FakeReader(COLLECTOR).answer(*GET, {"Parameters": list(values), "InvalidParameters": list(invalid)})


def run(made: FakeReader, *parameters: Any, context: Context | None = ON, before: Any = (), gaps: Any = ()) -> Evidence:
    earlier = Evidence("ssm_parameters", "eu-west-1", list(parameters), {"ssm.parameter": list(gaps)} if gaps else {})
    return collect(made, EarlierEvidence((earlier,), context=context, before=tuple(before)), sleep=lambda _: None)


def last_scan(evidence: Evidence, *parameters: Any) -> list[Evidence]:
    """As it comes back from the store."""
    kept = Evidence("ssm_parameters", "eu-west-1", list(parameters))
    return [parse_evidence(serialize_evidence(evidence)), parse_evidence(serialize_evidence(kept))]


def test_collector_reads_as_the_value_role() -> None:
    assert COLLECTOR.role == VALUE_ROLE
    assert [call.action for call in COLLECTOR.calls] == ["ssm:GetParameters"]


@pytest.mark.parametrize("context", [None, Context(), Context(policy={"inspect_values": False})])
def test_value_reading_is_off_by_default_without_calls(context: Context | None) -> None:
    made = reader()
    evidence = run(made, parameter(), context=context)
    assert made.count() == 0
    assert [(r.type, r.facts) for r in evidence.resources] == [("ssm.value_inspection", {"on": False})]


def test_only_detector_and_version_are_kept() -> None:
    evidence = run(reader(value("/apps/x", f"export KEY={SECRET}", Version=7)), parameter())
    assert all_of(evidence, "ssm.value") == {BASE + "apps/x": {
            "detectors": ["aws_access_key"], "version": 7, "looked_with": compute_revision(),
        }
    }  # fmt: skip
    assert SECRET not in serialize_evidence(evidence).decode()


def test_value_is_judged_with_its_name() -> None:
    evidence = run(reader(value("/apps/db_password", "hunter2x")), parameter("apps/db_password"))
    assert all_of(evidence, "ssm.value")[BASE + "apps/db_password"]["detectors"] == ["assigned_secret"]


def test_each_item_of_a_list_is_judged() -> None:
    made = reader(value("/apps/x", f"one,{SECRET},two", Type="StringList"))
    evidence = run(made, parameter(type="StringList"))
    assert all_of(evidence, "ssm.value")[BASE + "apps/x"]["detectors"] == ["aws_access_key"]


def test_a_secure_string_is_never_asked_for() -> None:
    made = reader()
    evidence = run(made, parameter(type="SecureString"))
    assert made.count() == 0
    assert not all_of(evidence, "ssm.value")


def test_values_stay_encrypted_and_ten_names_go_in_a_call() -> None:
    names = [f"apps/{n:02}" for n in range(23)]
    made = reader(*(value(f"/{name}") for name in names))
    run(made, *(parameter(name) for name in names))
    assert [len(call.params["Names"]) for call in made.asked()] == [10, 10, 3]
    assert {call.params["WithDecryption"] for call in made.asked()} == {False}


def test_calls_are_kept_apart() -> None:
    slept: list[float] = []
    names = [f"apps/{n:02}" for n in range(21)]
    earlier = Evidence("ssm_parameters", "eu-west-1", [parameter(name) for name in names])
    seen = EarlierEvidence((earlier,), context=ON)
    collect(reader(*(value(f"/{name}") for name in names)), seen, sleep=slept.append, clock=lambda: 0.0)
    assert slept == [SECONDS_APART] * 2


def test_an_unchanged_parameter_is_not_read_again() -> None:
    found = run(reader(value("/apps/x", SECRET)), parameter())
    made = reader()
    again = run(made, parameter(), before=last_scan(found, parameter()))
    assert made.count() == 0
    assert serialize_evidence(again) == serialize_evidence(found)


@pytest.mark.parametrize(
    "changed", [{"version": 2}, {"modified": "2026-02-02T00:00:00+00:00"}, {"modified": None}, {"version": DENIED}]
)
def test_changed_or_recreated_parameter_is_read_again(changed: dict[str, Any]) -> None:
    found = run(reader(value("/apps/x", SECRET)), parameter())
    made = reader(value("/apps/x"))
    again = run(made, parameter(**changed), before=last_scan(found, parameter()))
    assert made.count() == 1
    assert all_of(again, "ssm.value")[BASE + "apps/x"]["detectors"] == []


def test_other_detectors_look_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run(reader(value("/apps/x", SECRET)), parameter())
    monkeypatch.setattr("scans.collectors.ssm_values.compute_revision", lambda: "another")
    made = reader(value("/apps/x", SECRET))
    run(made, parameter(), before=last_scan(found, parameter()))
    assert made.count() == 1


def test_parameter_changed_during_read_is_read_again() -> None:
    found = run(reader(value("/apps/x", SECRET, Version=2)), parameter())
    made = reader(value("/apps/x", Version=2))
    run(made, parameter(), before=last_scan(found, parameter()))
    assert made.count() == 1


def test_unread_parameter_is_tried_again() -> None:
    refused = FakeReader(COLLECTOR).refuse(*GET)
    found = run(refused, parameter())
    gap = refused.gap(*GET)
    assert all_of(found, "ssm.value") == {BASE + "apps/x": {"detectors": gap, "version": gap, "looked_with": gap}}
    made = reader(value("/apps/x"))
    run(made, parameter(), before=last_scan(found, parameter()))
    assert made.count() == 1


def test_deleted_and_newly_secure_values_are_omitted() -> None:
    made = reader(value("/apps/secure", "kms:x:hidden", Type="SecureString"), invalid=("/apps/gone",))
    evidence = run(made, parameter("apps/gone"), parameter("apps/secure"))
    assert not all_of(evidence, "ssm.value")


def test_parameter_missing_from_answer_is_unknown() -> None:
    evidence = run(reader(), parameter())
    assert all_of(evidence, "ssm.value")[BASE + "apps/x"]["detectors"].kind is GapKind.MALFORMED


@pytest.mark.parametrize(
    "answer", [{}, {"Parameters": "x"}, {"Parameters": [{"Name": 4}]}, {"Parameters": [value("/apps/x", None)]}]
)
def test_a_malformed_answer_is_a_gap(answer: dict[str, Any]) -> None:
    evidence = run(FakeReader(COLLECTOR).answer(*GET, answer), parameter())
    assert all_of(evidence, "ssm.value")[BASE + "apps/x"]["detectors"].kind is GapKind.MALFORMED


def test_unlisted_parameters_leave_values_incomplete() -> None:
    assert run(reader(), gaps=[DENIED]).gaps == {"ssm.value": [DENIED]}
    assert run(reader(), parameter(type=DENIED)).gaps == {"ssm.value": [DENIED]}


@given(st.text(string.printable, min_size=6, max_size=60))
def test_no_value_comes_out(text: str) -> None:
    secret = f"password=Xk29vTq8LmZr4w {text}"
    kept = serialize_evidence(run(reader(value("/apps/x", secret)), parameter())).decode()
    assert "Xk29vTq8LmZr4w" not in kept
    assert str(len(secret)) not in all_of(parse_evidence(kept.encode()), "ssm.value")[BASE + "apps/x"]
    assert set(all_of(parse_evidence(kept.encode()), "ssm.value")[BASE + "apps/x"]) == {
        "detectors",
        "version",
        "looked_with",
    }
