"""Destinations are judged by the controls on buckets themselves, across accounts."""

from __future__ import annotations

from typing import Any

import pytest

from scans import registry
from scans.controls import ssm_ds_001_01, ssm_ds_001_05, ssm_s3_001, ssm_s3_002, ssm_s3_004
from scans.controls.lib import destination_control as examples
from scans.controls.lib import destinations
from scans.domain.control import GAP, Verdict
from scans.domain.engine import judge_control, judge_resource
from scans.domain.evidence import (
    GLOBAL,
    Context,
    Evidence,
    Resource,
    World,
    decode_evidence,
    encode_evidence,
    serialize_evidence,
)

ARN, NAME, KEY, SISTER = examples.ARN, examples.NAME, examples.KEY, examples.SISTER
PARTS = (ssm_s3_001, ssm_s3_002, ssm_s3_004)
FACTS: list[dict[str, Any]] = [
    {},
    {"encryption": None},
    {"encryption": GAP},
    {"policy": None},
    {"policy": GAP},
    {"policy": {"Statement": 4}},
    {"public_access_block": None},
    {"public_access_block": GAP},
    {"policy_public": True},
    {"encryption": GAP, "policy": None},
]


def owners_world(account: str, **changed: Any) -> tuple[World, Resource]:
    facts = {name: value for name, value in examples.make_bucket_facts(**changed).items() if name != "$region"}
    regional = Evidence("kms", "eu-west-1", types=("kms.reference",))
    regional.add("kms.reference", KEY, **examples.WORKING_KEY)
    everywhere = Evidence("s3", GLOBAL, types=("s3.bucket", "s3.account"))
    everywhere.add("s3.account", f"arn:aws:s3::{account}:account", public_access_block=None)
    bucket = everywhere.add("s3.bucket", ARN, region="eu-west-1", **facts)
    return World([regional, everywhere]), bucket


def destination(world: World, context: Context, **facts: Any) -> Any:
    given = {"name": NAME, "kinds": ["01"], "fields": ["f"], "own": True, "head": "exists", **facts}
    resource = Resource("s3.destination", ARN, GLOBAL, given)
    control = ssm_ds_001_01.CONTROL
    return judge_resource(control, ssm_ds_001_01.evaluate, world, context, resource, control.facts["s3.destination"])


def worst(verdicts: set[Verdict]) -> Verdict:
    return next(v for v in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS) if v in verdicts)


@pytest.mark.parametrize("changed", FACTS, ids=str)
def test_destination_takes_worst_bucket_verdict(changed: dict[str, Any]) -> None:
    world, bucket = owners_world("111122223333", **changed)
    context = Context(account="111122223333")
    single = {
        module.CONTROL.id: judge_resource(
            module.CONTROL, module.evaluate, world, context, bucket, module.CONTROL.facts["s3.bucket"]
        )
        for module in PARTS
    }
    outcome = destination(world, context)
    assert outcome.verdict is worst({each.verdict for each in single.values() if each})
    for id, each in single.items():
        assert (id in outcome.reason) is (each is not None and each.verdict is outcome.verdict is not Verdict.PASS)


@pytest.mark.parametrize("changed", FACTS, ids=str)
def test_a_sisters_bucket_is_judged_as_the_sister_would(changed: dict[str, Any]) -> None:
    world, bucket = owners_world(SISTER, **changed)
    there = destination(world, Context(account=SISTER))
    shared = {NAME: destinations.make_shared_bucket_entry(SISTER, world, bucket)}
    context = Context(account="111122223333", bucket_owners={NAME: SISTER}, shared_buckets=shared)
    here = destination(World([]), context, own=False, head="forbidden")
    assert (here.verdict, here.reason) == (there.verdict, there.reason)


def test_shared_evidence_is_only_bucket_account_and_key() -> None:
    world, bucket = owners_world(SISTER)
    shared = destinations.extract_shared_evidence(world, bucket)
    assert {r.type for r in shared.resources} == {"s3.bucket", "s3.account", "kms.reference"}
    assert (
        decode_evidence(encode_evidence(shared)).resources
        == decode_evidence(encode_evidence(decode_evidence(encode_evidence(shared)))).resources
    )
    assert serialize_evidence(decode_evidence(encode_evidence(shared))) == serialize_evidence(shared)


def test_facts_unread_by_owner_stay_unknown() -> None:
    _, bucket = owners_world(SISTER)
    blind = Evidence("kms", "eu-west-1", types=("kms.reference",), gaps={"kms.reference": [GAP]})
    everywhere = Evidence("s3", GLOBAL, [bucket], types=("s3.bucket", "s3.account"))
    shared = destinations.extract_shared_evidence(World([blind, everywhere]), bucket)
    assert shared.gaps["kms.reference"] == [GAP]
    context = Context(
        account="1",
        bucket_owners={NAME: SISTER},
        shared_buckets={NAME: {"account": SISTER, "evidence": encode_evidence(shared)}},
    )
    outcome = destination(World([]), context, own=False)
    assert outcome.verdict is Verdict.UNKNOWN
    assert GAP in outcome.gaps


def test_incomplete_destination_list_is_unknown() -> None:
    evidence = Evidence(
        "s3_buckets",
        GLOBAL,
        types=("s3.destination", "s3.unplaced_destination", "s3.bucket"),
        gaps={"s3.destination": [GAP]},
    )
    module = ssm_ds_001_01
    found = list(judge_control(module.CONTROL, module.evaluate, World([evidence]), Context(account="1"), GLOBAL))
    assert [(each.outcome.verdict, each.resource) for each in found] == [(Verdict.UNKNOWN, "arn:aws:s3:::*")]


def test_unused_kind_is_not_applicable() -> None:
    evidence = Evidence("s3_buckets", GLOBAL, types=("s3.destination", "s3.unplaced_destination", "ssm.package"))
    evidence.add("s3.destination", ARN, name=NAME, kinds=["07"], fields=["f"], own=False, head="not_found")
    found = {}
    for id, item in registry.controls().items():
        if item.control.group == "DS":
            [each] = judge_control(item.control, item.evaluate, World([evidence]), Context(account="1"), GLOBAL)
            found[id] = each.outcome.verdict
    assert found.pop("SSM-DS-001.07") is Verdict.FAIL
    assert set(found.values()) == {Verdict.NOT_APPLICABLE}
    assert len(found) == 13


def test_the_fourteen_differ_in_title_quote_and_remedy_only() -> None:
    controls = [item.control for id, item in registry.controls().items() if id.startswith("SSM-DS")]
    assert len({c.title for c in controls}) == len({c.quote for c in controls}) == 14
    assert {(c.severity, c.scope, c.needs_organization, c.container) for c in controls} == {
        (controls[0].severity, controls[0].scope, True, "arn:{p}:s3:::*")
    }
    assert all(c.remediation.code for c in controls)


def test_attachments_whose_record_was_refused() -> None:
    """B4: only the kind of attachments is unknown, with the gap."""
    evidence = Evidence("s3_buckets", GLOBAL, types=("s3.destination", "s3.unplaced_destination"))
    evidence.add("s3.unplaced_destination", "arn:aws:ssm:r:1:document/book", kinds={}, attachments=GAP)
    verdicts = {}
    for module in (ssm_ds_001_01, ssm_ds_001_05):
        (each,) = judge_control(module.CONTROL, module.evaluate, World([evidence]), Context(account="1"), GLOBAL)
        verdicts[module.CONTROL.id] = (each.outcome.verdict, each.outcome.gaps)
    assert verdicts == {"SSM-DS-001.01": (Verdict.NOT_APPLICABLE, ()), "SSM-DS-001.05": (Verdict.UNKNOWN, (GAP,))}


def test_evidence_without_unplaced_settings_is_unknown() -> None:
    """B2: evidence of a version that didn't tell such settings proves no absence."""
    evidence = Evidence("s3_buckets", GLOBAL, types=("s3.destination", "s3.bucket", "ssm.package"))
    module = ssm_ds_001_01
    (each,) = judge_control(module.CONTROL, module.evaluate, World([evidence]), Context(account="1"), GLOBAL)
    assert each.outcome.verdict is Verdict.UNKNOWN
