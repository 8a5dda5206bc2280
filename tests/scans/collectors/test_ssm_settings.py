from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import GapKind
from scans.collectors import ssm_settings as settings
from scans.collectors.ssm_settings import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Evidence
from tests.scans.collectors.fake_reader import FakeReader

DEFAULTS = {settings.SHARING: "Enable", settings.SCRIPT_LOGS: "None", settings.HOST_ROLE: "$None"}


def given(values: dict[str, Any] | None = None) -> FakeReader:
    reader = FakeReader(COLLECTOR)
    for name, value in {**DEFAULTS, **(values or {})}.items():
        answer = {"ServiceSetting": {"SettingId": name, "SettingValue": value}}
        reader.answer("ssm", "GetServiceSetting", answer, when={"SettingId": name})
    return reader


def facts(evidence: Evidence) -> dict[str, dict[str, Any]]:
    assert evidence.gaps == {}
    return {r.type.removeprefix("ssm.setting."): r.facts for r in evidence.resources}


def test_defaults_take_three_calls() -> None:
    reader = given()
    evidence = collect(reader, EarlierEvidence())
    assert facts(evidence) == {
        "sharing": {"value": "Enable"},
        "script_logs": {"destination": None, "log_group": None},
        "host_role": {"value": "$None"},
    }
    assert reader.count() == 3
    base = "arn:aws:ssm:eu-west-1:111122223333:servicesetting"
    assert [r.arn for r in evidence.resources] == [
        f"{base}/ssm/documents/console/public-sharing-permission",
        f"{base}/ssm/automation/customer-script-log-destination",
        f"{base}/ssm/managed-instance/default-ec2-instance-management-role",
    ]


def test_log_group_is_read_only_for_cloudwatch_destination() -> None:
    reader = given({settings.SCRIPT_LOGS: "CloudWatch", settings.SCRIPT_LOG_GROUP: "/scripts"})
    assert facts(collect(reader, EarlierEvidence()))["script_logs"] == {
        "destination": "CloudWatch",
        "log_group": "/scripts",
    }
    assert reader.count() == 4


def test_a_refused_log_group_hides_only_itself() -> None:
    reader = given({settings.SCRIPT_LOGS: "CloudWatch"})
    reader.refuse("ssm", "GetServiceSetting", when={"SettingId": settings.SCRIPT_LOG_GROUP})
    found = facts(collect(reader, EarlierEvidence()))["script_logs"]
    assert found == {"destination": "CloudWatch", "log_group": reader.gap("ssm", "GetServiceSetting")}


def test_refusals_are_gaps_of_facts() -> None:
    reader = given().refuse("ssm", "GetServiceSetting", "ThrottlingException", kind=GapKind.THROTTLED)
    gap = reader.gap("ssm", "GetServiceSetting", "ThrottlingException", kind=GapKind.THROTTLED)
    assert facts(collect(reader, EarlierEvidence())) == {
        "sharing": {"value": gap},
        "script_logs": {"destination": gap, "log_group": gap},
        "host_role": {"value": gap},
    }


@pytest.mark.parametrize(
    "answer", [{}, {"ServiceSetting": None}, {"ServiceSetting": "x"}, {"ServiceSetting": {"SettingValue": 3}}]
)
def test_malformed_answers_are_gaps(answer: dict[str, Any]) -> None:
    reader = FakeReader(COLLECTOR).answer("ssm", "GetServiceSetting", answer)
    for found in facts(collect(reader, EarlierEvidence())).values():
        assert all(value.kind is GapKind.MALFORMED for value in found.values())
