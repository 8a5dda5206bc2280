from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.aws.gaps import GapKind
from scans.collectors.logs import AGENT_PATTERN, COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import DENIED, a, all_of, kinds, one_of, seen

DESCRIBE = ("logs", "DescribeLogGroups")
POLICIES = ("logs", "DescribeResourcePolicies")
PREFIX = {"logGroupNamePrefix": "/aws/ssm/"}
PATTERN = {"logGroupNamePattern": AGENT_PATTERN}
HOME = "arn:aws:logs:eu-west-1:111122223333:log-group:"
COMMAND = a("ssm.command", "command", log_group="commands")
SESSIONS = a("ssm.session_document", "document", session={"log_group": "sessions"})
UNPLACED = a("ssm.document", "book", unplaced_log_groups=["mainSteps[0]: it holds {{G}}"])
SCRIPTS = a("ssm.setting.script_logs", "setting", destination="CloudWatch", log_group="scripts")


def region(
    *named: dict[str, Any], prefixed: tuple[dict[str, Any], ...] = (), found: tuple[str, ...] = ()
) -> FakeReader:
    """named: what is answered to a look-up by name. found: the names that a search by pattern finds."""
    reader = FakeReader(COLLECTOR)
    reader.answer(*DESCRIBE, {"logGroups": list(named)})
    reader.answer(*DESCRIBE, {"logGroups": [group(name) for name in found]}, when=PATTERN)
    reader.answer(*POLICIES, {"resourcePolicies": []})
    return reader.answer(*DESCRIBE, {"logGroups": list(prefixed)}, when=PREFIX)


def group(name: str, **more: Any) -> dict[str, Any]:
    return {"logGroupName": name, **more}


def test_an_empty_region_takes_two_calls() -> None:
    reader = region()
    evidence = collect(reader, EarlierEvidence())
    assert reader.count() == 2
    assert not evidence.resources
    assert not evidence.gaps


def test_prefixed_groups_are_found_without_references() -> None:
    prefixed = (group("/aws/ssm/AWS-RunShellScript"), group("/aws/ssm/automation/executeScript", kmsKeyId="key"))
    evidence = collect(region(prefixed=prefixed), EarlierEvidence())
    assert all_of(evidence, "logs.group") == {
        f"{HOME}/aws/ssm/AWS-RunShellScript": {
            "name": "/aws/ssm/AWS-RunShellScript",
            "kinds": ["run_command"],
            "kms_key": None,
            "policies": [],
        },
        f"{HOME}/aws/ssm/automation/executeScript": {
            "name": "/aws/ssm/automation/executeScript",
            "kinds": ["script"],
            "kms_key": "key",
            "policies": [],
        },
    }


def test_agent_groups_are_found_by_name_with_keys() -> None:
    agents = (group("/nodes/amazon-ssm-agent.log"), group("/var/log/amazon/ssm/errors.log", kmsKeyId="key"))
    names = tuple(item["logGroupName"] for item in agents)
    reader = region(*agents, found=(*names, "/aws/amazonmq/broker"))
    evidence = collect(reader, EarlierEvidence())
    assert {f["name"]: (f["kinds"], f["kms_key"]) for f in all_of(evidence, "logs.group").values()} == {
        "/nodes/amazon-ssm-agent.log": (["agent"], None),
        "/var/log/amazon/ssm/errors.log": (["agent"], "key"),
    }
    assert reader.asked(*DESCRIBE)[-1].params == {"logGroupIdentifiers": sorted(names)}


def test_agent_group_may_take_other_data() -> None:
    name = "/nodes/amazon-ssm-agent.log"
    evidence = collect(region(group(name), found=(name,)), seen(a("ssm.command", "command", log_group=name)))
    assert [f["kinds"] for f in all_of(evidence, "logs.group").values()] == [["agent", "run_command"]]


def test_agent_group_deleted_before_lookup_is_not_missing() -> None:
    evidence = collect(region(found=("/nodes/amazon-ssm-agent.log",)), EarlierEvidence())
    assert not evidence.resources
    assert not evidence.gaps


def test_denied_search_leaves_the_list_incomplete() -> None:
    reader = region().refuse(*DESCRIBE, when=PATTERN)
    assert collect(reader, EarlierEvidence()).gaps == {"logs.group": [reader.gap(*DESCRIBE)]}


def test_named_groups_are_looked_up_and_missing_reported() -> None:
    # Some emulations ignore the names and list everything.
    reader = region(group("commands"), group("sessions"), group("others"))
    earlier = seen(COMMAND, SESSIONS, SCRIPTS)
    evidence = collect(reader, earlier)
    assert {arn: f["kinds"] for arn, f in all_of(evidence, "logs.group").items()} == {
        f"{HOME}commands": ["run_command"],
        f"{HOME}sessions": ["session"],
    }
    assert all_of(evidence, "logs.missing") == {f"{HOME}scripts": {"name": "scripts", "kinds": ["script"]}}
    assert reader.asked()[2].params == {"logGroupIdentifiers": ["commands", "scripts", "sessions"]}
    assert serialize_evidence(evidence) == serialize_evidence(collect(reader, earlier))


def test_batches_of_fifty_and_only_for_groups_not_yet_seen() -> None:
    commands = [a("ssm.command", f"command/{n}", log_group=f"group-{n:03}") for n in range(101)]
    seen_already = a("ssm.command", "command/x", log_group="/aws/ssm/here")
    reader = region(prefixed=(group("/aws/ssm/here"),))
    collect(reader, seen(*commands, seen_already))
    assert reader.count(*DESCRIBE) == 2 + 3


def test_batch_refused_for_missing_group_is_split() -> None:
    reader = region(group("commands"))
    not_there = {"code": "ResourceNotFoundException", "kind": GapKind.REJECTED}
    for names in (["commands", "sessions"], ["sessions"]):
        reader.refuse(*DESCRIBE, when={"logGroupIdentifiers": names}, **not_there)
    evidence = collect(reader, seen(COMMAND, SESSIONS))
    assert set(all_of(evidence, "logs.group")) == {f"{HOME}commands"}
    assert set(all_of(evidence, "logs.missing")) == {f"{HOME}sessions"}
    assert not evidence.gaps


def test_denied_prefix_leaves_the_list_incomplete() -> None:
    reader = region(group("commands")).refuse(*DESCRIBE, when=PREFIX)
    evidence = collect(reader, seen(COMMAND))
    assert evidence.gaps == {"logs.group": [reader.gap(*DESCRIBE)]}
    assert set(all_of(evidence, "logs.group")) == {f"{HOME}commands"}


def test_denied_named_groups_are_not_called_missing() -> None:
    reader = FakeReader(COLLECTOR).refuse(*DESCRIBE)
    for when in (PREFIX, PATTERN):
        reader.answer(*DESCRIBE, {"logGroups": []}, when=when)
    evidence = collect(reader, seen(COMMAND))
    gap = reader.gap(*DESCRIBE)
    assert evidence.gaps == {"logs.group": [gap], "logs.missing": [gap]}
    assert not evidence.resources


@pytest.mark.parametrize("wrong", [{}, {"logGroups": {}}, {"logGroups": ["x"]}, {"logGroups": [{"kmsKeyId": "k"}]}])
def test_malformed_answer_is_a_gap(wrong: Any) -> None:
    evidence = collect(region().answer(*DESCRIBE, wrong), seen(COMMAND))
    assert kinds(evidence, "logs.group") == ["malformed"]
    assert not evidence.resources


@pytest.mark.parametrize(
    "earlier", [seen(gaps={"ssm.command": [DENIED]}), seen(a("ssm.session_document", "document", session=DENIED))]
)
def test_settings_that_were_not_read_may_name_more(earlier: EarlierEvidence) -> None:
    evidence = collect(region(), earlier)
    gaps = {kind: [DENIED] for kind in ("logs.group", "logs.missing", "logs.unplaced")}
    assert evidence.gaps == gaps


def test_unrelated_gaps_leave_groups_complete() -> None:
    assert not collect(region(), seen(gaps={"ssm.parameter": [DENIED]})).gaps


DOCUMENT = {"Version": "2012-10-17", "Statement": []}
ACCOUNT_POLICY = {"policyName": "delivery", "policyDocument": json.dumps(DOCUMENT), "policyScope": "ACCOUNT"}
ONE_GROUP = (group("/aws/ssm/AWS-RunShellScript"),)
OWN = {"resourceArn": f"{HOME}/aws/ssm/AWS-RunShellScript", "policyScope": "RESOURCE"}


def test_policies_of_the_account_and_of_the_group_are_read() -> None:
    own = {"policyName": "attached", "policyDocument": json.dumps(DOCUMENT | {"Id": "own"}), "policyScope": "RESOURCE"}
    reader = region(prefixed=ONE_GROUP).answer(*POLICIES, {"resourcePolicies": [ACCOUNT_POLICY]})
    reader.answer(*POLICIES, {"resourcePolicies": [own]}, when=OWN)
    evidence = collect(reader, EarlierEvidence())
    assert one_of(evidence, "logs.group")["policies"] == [DOCUMENT | {"Id": "own"}]
    assert all_of(evidence, "logs.resource_policy") == {
        "arn:aws:logs:eu-west-1:111122223333:resource-policy:delivery": {"name": "delivery", "policy": DOCUMENT}
    }


def test_group_without_a_policy_of_its_own() -> None:
    reader = region(prefixed=ONE_GROUP)
    reader.refuse(*POLICIES, "ResourceNotFoundException", kind=GapKind.REJECTED, when=OWN)
    assert one_of(collect(reader, EarlierEvidence()), "logs.group")["policies"] == []


def test_refused_resource_policies_are_gaps() -> None:
    evidence = collect(region(prefixed=ONE_GROUP).refuse(*POLICIES), EarlierEvidence())
    assert kinds(evidence, "logs.resource_policy") == ["denied"]
    assert one_of(evidence, "logs.group")["policies"].kind is GapKind.DENIED
    assert kinds(evidence, "logs.group") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"resourcePolicies": [{"policyName": "attached"}]},
        {"resourcePolicies": [{"policyDocument": "no JSON"}]},
        {"resourcePolicies": [], "nextToken": "more"},
    ],
)
def test_malformed_policy_of_a_group_is_a_gap(wrong: dict[str, Any]) -> None:
    reader = region(prefixed=ONE_GROUP).answer(*POLICIES, wrong, when=OWN)
    assert one_of(collect(reader, EarlierEvidence()), "logs.group")["policies"].kind is GapKind.MALFORMED


def test_malformed_policy_of_the_account_is_a_gap() -> None:
    items = [{"policyDocument": json.dumps(DOCUMENT)}, {"policyName": "odd", "policyDocument": "no JSON"}]
    reader = region(prefixed=ONE_GROUP).answer(*POLICIES, {"resourcePolicies": items})
    evidence = collect(reader.answer(*POLICIES, {"resourcePolicies": []}, when=OWN), EarlierEvidence())
    assert kinds(evidence, "logs.resource_policy") == ["malformed"]
    assert one_of(evidence, "logs.resource_policy")["policy"].kind is GapKind.MALFORMED


def test_settings_whose_group_is_unknown_are_recorded() -> None:
    session = a("ssm.session_document", "chat", session={"log_group": None, "left_to_run": ["log_group"]})
    plain = a("ssm.session_document", "plain", session={"log_group": None, "left_to_run": ["s3_bucket"]})
    evidence = collect(region(), seen(UNPLACED, session, plain))
    assert all_of(evidence, "logs.unplaced") == {
        UNPLACED.arn: {"kinds": {"run_command": ["mainSteps[0]: it holds {{G}}"]}},
        session.arn: {"kinds": {"session": ["inputs.cloudWatchLogGroupName: only the start of a session names it"]}},
    }
