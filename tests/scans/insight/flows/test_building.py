"""From evidence to flows: whose the destination is, under which key, and what is said of each step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans import registry
from scans.domain.control import FlowStep, failed
from scans.domain.evidence import Context, Evidence, World
from scans.insight.flows import FEATURES, Flow, KeyKind, Owner, build_flows, grade_account
from tests.scans.insight.flows.worlds import (  # fmt: skip
    DENIED,
    KEY,
    MINE,
    REGION,
    STRANGER,
    THEIRS,
    WORKS,
    add,
    blank,
    bucket,
    command,
    destination,
    inventory,
    key,
    side,
)


def only(flows: list[Flow], feature: str) -> Flow:
    found = [flow for flow in flows if flow.feature.id == feature]
    assert len(found) == 1, flows
    return found[0]


def said(flow: Flow) -> dict[str, str]:
    return {grade.control: str(grade.verdict) for grade in (*flow.into, *flow.under)}


def own_bucket(**more: object) -> Flow:
    found = blank()
    command(found, "mine")
    destination(found, "mine", own=True)
    bucket(found, "mine", **more)
    key(found)
    return only(build_flows(side(found), {})[0], "01")


def test_an_own_bucket_under_a_customer_key() -> None:
    flow = own_bucket()
    assert (flow.destination.owner, flow.destination.account, flow.destination.region) == (Owner.OWN, MINE, REGION)
    assert (flow.key.kind, flow.key.arn, flow.under_verdict) == (KeyKind.CUSTOMER, KEY, "pass")
    assert said(flow)["SSM-S3-001"] == "pass"
    assert said(flow)["SSM-S3-002"] == "fail", "no policy refuses plain HTTP"
    assert (flow.into_verdict, flow.verdict, flow.leaves_account) == ("fail", "fail", False)
    assert [source.arn for source in flow.sources] == [f"arn:aws:ssm:{REGION}:{MINE}:command/0"]


def test_flow_steps_are_graded_by_their_controls() -> None:
    flow = own_bucket()
    assert {grade.control for grade in flow.into} >= {
        "SSM-S3-002",
        "SSM-S3-003",
        "SSM-S3-004",
        "SSM-S3-005",
        "SSM-DS-001.01",
    }
    assert {grade.control for grade in flow.under} == {"SSM-S3-001"}
    assert not [grade for grade in flow.into if grade.control.startswith("SSM-DS") and grade.control != "SSM-DS-001.01"]


def test_a_bucket_without_configuration_lies_under_keys_of_s3() -> None:
    flow = own_bucket(encryption=None)
    assert (flow.key.kind, flow.under_verdict) == (KeyKind.AWS_OWNED, "fail")


@pytest.mark.parametrize(
    ("name", "facts", "kind"),
    [
        ("alias/aws/s3", {"state": "Enabled", "manager": "AWS", "aws_alias": "alias/aws/s3"}, KeyKind.AWS_MANAGED),
        (KEY, WORKS, KeyKind.CUSTOMER),
        (KEY, {**WORKS, "manager": "AWS"}, KeyKind.AWS_MANAGED),
        (KEY, {**WORKS, "state": "PendingDeletion"}, KeyKind.UNUSABLE),
        (KEY, {**WORKS, "usage": "SIGN_VERIFY", "spec": "RSA_2048"}, KeyKind.UNUSABLE),
        (KEY, {**WORKS, "spec": "RSA_2048"}, KeyKind.UNUSABLE),
        (KEY.replace(REGION, "us-west-2"), WORKS, KeyKind.UNUSABLE),
        (KEY, {**WORKS, "usage": DENIED}, KeyKind.UNKNOWN),
        (KEY, {"state": "NotFound", "manager": None, "key": None, "aws_alias": None}, KeyKind.UNUSABLE),
        (KEY, {"state": DENIED, "manager": DENIED, "key": DENIED}, KeyKind.UNKNOWN),
        (KEY.replace(MINE, STRANGER), {"state": DENIED, "manager": DENIED, "key": DENIED}, KeyKind.FOREIGN),
        (KEY.replace(MINE, STRANGER), {**WORKS, "key": KEY.replace(MINE, STRANGER)}, KeyKind.FOREIGN),
    ],
)
def test_kinds_of_keys(name: str, facts: dict[str, object], kind: KeyKind) -> None:
    found = blank()
    command(found, "mine")
    destination(found, "mine", own=True)
    bucket(found, "mine", key=name)
    key(found, name, **facts)
    assert only(build_flows(side(found), {})[0], "01").key.kind is kind


def test_key_not_looked_up_is_unknown() -> None:
    found = blank()
    command(found, "mine")
    destination(found, "mine", own=True)
    bucket(found, "mine")
    flow = only(build_flows(side(found), {})[0], "01")
    assert (flow.key.kind, flow.under_verdict) == (KeyKind.UNKNOWN, "unknown")


def test_encryption_that_was_refused_is_unknown_and_no_pass() -> None:
    flow = own_bucket(encryption=DENIED)
    assert (flow.key.kind, flow.under_verdict) == (KeyKind.UNKNOWN, "unknown")


def test_missing_bucket_is_dangling_despite_recorded_owner() -> None:
    found = blank()
    command(found, "gone")
    destination(found, "gone", own=False, head="not_found")
    flow = only(build_flows(side(found, bucket_owners={"gone": THEIRS}), {})[0], "01")
    assert (flow.destination.owner, flow.destination.account, flow.key.kind) == (Owner.DANGLING, "", KeyKind.NONE)
    assert (said(flow)["SSM-S3-005"], flow.into_verdict, flow.under_verdict) == ("fail", "fail", "ungraded")


@pytest.mark.parametrize(
    ("context", "head", "owner", "verdict"),
    [
        ({}, "exists", Owner.FOREIGN, "fail"),
        ({"unread_accounts": frozenset({THEIRS})}, "exists", Owner.UNKNOWN, "unknown"),
        ({"bucket_owners": None}, "exists", Owner.UNKNOWN, "unknown"),
        ({}, "forbidden", Owner.UNKNOWN, "unknown"),
        ({}, "exists_forbidden", Owner.UNKNOWN, "unknown"),
        ({}, DENIED, Owner.UNKNOWN, "unknown"),
    ],
)
def test_bucket_of_unlisted_owner_is_foreign_or_unknown(
    context: dict[str, object], head: object, owner: Owner, verdict: str
) -> None:
    found = blank()
    command(found, "stray")
    destination(found, "stray", own=False, head=head)
    flow = only(build_flows(side(found, **context), {})[0], "01")
    assert (flow.destination.owner, flow.into_verdict, flow.under_verdict) == (owner, verdict, "unknown")


def test_unread_bucket_is_own_by_inventory() -> None:
    found = blank()
    command(found, "mine")
    inventory(found, MINE, "mine")
    flow = only(build_flows(side(found), {})[0], "01")
    assert (flow.destination.owner, flow.key.kind) == (Owner.OWN, KeyKind.UNKNOWN)


def archive(**more: object) -> dict[object, object]:
    theirs = blank(THEIRS)
    bucket(theirs, "archive", **{"key": KEY.replace(MINE, THEIRS), **more})
    key(theirs, KEY.replace(MINE, THEIRS))
    return theirs


def across() -> dict[object, object]:
    found = blank()
    command(found, "archive")
    destination(found, "archive", own=False, head="forbidden")
    return found


def test_across_accounts_the_owner_s_controls_judge_the_bucket() -> None:
    owners = {THEIRS: side(archive(), THEIRS)}
    flow = only(build_flows(side(across(), bucket_owners={"archive": THEIRS}), owners)[0], "01")
    assert (flow.destination.owner, flow.destination.account) == (Owner.ORGANIZATION, THEIRS)
    assert (flow.key.kind, flow.leaves_account) == (KeyKind.CUSTOMER, True)
    by_account = {grade.control: grade.account for grade in (*flow.into, *flow.under)}
    assert (by_account["SSM-S3-005"], by_account["SSM-S3-001"]) == (MINE, THEIRS)


def test_hidden_owner_is_named_nowhere() -> None:
    flow = only(build_flows(side(across(), bucket_owners={"archive": THEIRS}), {})[0], "01")
    assert (flow.destination.owner, flow.destination.account, flow.destination.region) == (Owner.HIDDEN, "", "")
    assert (flow.key.kind, flow.under, flow.into_verdict, flow.under_verdict) == (
        KeyKind.HIDDEN,
        (),
        "unknown",
        "unknown",
    )
    assert THEIRS not in repr(flow)


def test_inbound_flow_is_drawn_from_bucket_side() -> None:
    flow = only(build_flows(side(archive(), THEIRS), {})[0], "01")
    assert ([source.type for source in flow.sources], flow.destination.owner) == (["inbound"], Owner.OWN)


def test_a_trail_s_own_key_counts_and_not_the_bucket_s() -> None:
    found = blank()
    trail = f"arn:aws:cloudtrail:{REGION}:{MINE}:trail/main"
    add(found, "cloudtrail.trail", trail, name="main", home_region=REGION, bucket="mine", kms_key=KEY)
    destination(found, "mine", own=True)
    bucket(found, "mine", encryption={"algorithm": "AES256", "key": None, "bucket_key": False})
    key(found)
    flow = only(build_flows(side(found), {})[0], "07")
    assert (flow.region, flow.key.kind) == (REGION, KeyKind.CUSTOMER)
    assert said(flow)["SSM-AU-003"] == "pass"
    assert "SSM-S3-001" not in said(flow)


def test_trail_of_another_account_is_no_flow_here() -> None:
    found = blank()
    shadow = f"arn:aws:cloudtrail:{REGION}:{THEIRS}:trail/organization"
    add(found, "cloudtrail.trail", shadow, name="o", home_region=REGION, bucket="archive", kms_key=None)
    assert build_flows(side(found), {})[0] == []


def test_log_group_flows_with_and_without_naming_setting() -> None:
    found = blank()
    for name, kinds, text in (("/aws/ssm/x", ["run_command"], KEY), ("/scripts", ["script"], None)):
        arn = f"arn:aws:logs:{REGION}:{MINE}:log-group:{name}"
        add(found, "logs.group", arn, name=name, kinds=kinds, kms_key=text)
    key(found)
    flows = build_flows(side(found), {})[0]
    commands, scripts = only(flows, "run_command"), only(flows, "script")
    assert (commands.key.kind, said(commands)) == (KeyKind.CUSTOMER, {"SSM-LG-001": "pass"})
    assert (commands.into_verdict, commands.verdict) == ("ungraded", "pass")
    assert (scripts.key.kind, scripts.under_verdict) == (KeyKind.AWS_OWNED, "fail")


def grade_with_one_more(found: dict[tuple[str, str], Evidence], **declared: object) -> list[Flow]:
    """The flows where one more control judges log groups, and fails them all."""
    more = replace(registry.controls()["SSM-LG-001"].control, id="SSM-LG-009", file="ssm_lg_009", **declared)
    chosen = [(item.control, item.evaluate) for item in registry.controls().values()]
    chosen.append((more, lambda _resource: failed("Kept too long.")))
    context = Context(account=MINE, bucket_owners={})
    return build_flows(grade_account(MINE, World(found.values()), context, chosen, [REGION]), {})[0]


def test_control_grades_the_map_only_if_it_declares_a_step() -> None:
    found = blank()
    for name, kinds in (("/aws/ssm/x", ["run_command"]), ("/scripts", ["script"])):
        add(found, "logs.group", f"arn:aws:logs:{REGION}:{MINE}:log-group:{name}", name=name, kinds=kinds, kms_key=KEY)
    key(found)
    without = build_flows(side(found), {})[0]
    assert [flow.verdict for flow in without] == ["pass", "pass"]
    assert grade_with_one_more(found, flow_steps={}, flow_kinds=()) == without
    for kinds, graded in (((), {"run_command", "script"}), (("script",), {"script"})):
        for step in FlowStep:
            flows = grade_with_one_more(found, flow_steps={"logs.group": step}, flow_kinds=kinds)
            failing = {flow.feature.id for flow in flows if any(g.control == "SSM-LG-009" for g in getattr(flow, step))}
            assert failing == {flow.feature.id for flow in flows if flow.verdict == "fail"} == graded


def test_controls_grade_flows_of_known_kinds_only() -> None:
    assert {kind for item in registry.controls().values() for kind in item.control.flow_kinds} <= set(FEATURES)


def test_missing_log_group_is_dangling() -> None:
    found = blank()
    name = "/gone"
    add(found, "ssm.command", f"arn:aws:ssm:{REGION}:{MINE}:command/1", references=[], log_group=name)
    add(found, "logs.missing", f"arn:aws:logs:{REGION}:{MINE}:log-group:{name}", name=name, kinds=["run_command"])
    flow = only(build_flows(side(found), {})[0], "run_command")
    assert (flow.destination.owner, flow.into_verdict, flow.verdict) == (Owner.DANGLING, "unknown", "unknown")


def test_only_secure_strings_flow_to_their_key() -> None:
    found = blank()
    for name, type, text in (("a", "SecureString", KEY), ("b", "SecureString", KEY), ("c", "String", None)):
        arn = f"arn:aws:ssm:{REGION}:{MINE}:parameter/{name}"
        add(found, "ssm.parameter", arn, name=name, type=type, key_id=text)
    key(found)
    flow = only(build_flows(side(found), {})[0], "parameter")
    assert (len(flow.sources), flow.key.kind) == (2, KeyKind.CUSTOMER)
    assert said(flow) == {"SSM-PS-003": "pass", "SSM-PS-004": "pass"}


def test_unlisted_types_are_reported() -> None:
    found = blank()
    found[REGION, "ssm_commands"].record_gap("ssm.command", DENIED)
    flows, blind = build_flows(side(found), {})
    assert flows == []
    assert [(item.region, item.type, item.gaps) for item in blind] == [(REGION, "ssm.command", (DENIED,))]


def test_unread_reference_fact_is_reported() -> None:
    found = blank()
    gap = Gap(GapKind.MALFORMED, "ssm.GetDocument", "ssm:GetDocument", REGION, "Malformed")
    add(found, "ssm.document", f"arn:aws:ssm:{REGION}:{MINE}:document/x", session=None, references=gap, log_groups=gap)
    assert [(item.type, item.gaps) for item in build_flows(side(found), {})[1]] == [("ssm.document", (gap,))]
