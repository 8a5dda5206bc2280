"""Judges whether a bucket that holds Systems Manager data is protected, for every kind of data. Pure.

The judgement only combines the controls on buckets: SSM-S3-005 judges the destination, and SSM-S3-001,
SSM-S3-002 and SSM-S3-004 the bucket behind it. If the bucket belongs to another account of the organization,
Context.shared_buckets has the part of that account's evidence that describes it (docs/decisions/0018).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from accounts.aws.gaps import Gap, GapError, GapKind
from scans.controls import ssm_s3_001, ssm_s3_002, ssm_s3_004, ssm_s3_005
from scans.controls.lib.judgements import find_key_problem, region_of_key
from scans.domain.control import (
    Control,
    Evaluate,
    FixEffect,
    FixFunction,
    Outcome,
    ResourceView,
    Verdict,
    passed,
    unknown,
)
from scans.domain.engine import judge_view, make_unread_outcome
from scans.domain.evidence import GLOBAL, Evidence, Resource, World, decode_evidence, encode_evidence

PROTECTION_CONTROLS: tuple[tuple[Control, Evaluate], ...] = tuple(
    (module.CONTROL, module.evaluate) for module in (ssm_s3_001, ssm_s3_002, ssm_s3_004)
)
PROTECTION_FIXES: dict[str, FixFunction] = {
    module.CONTROL.id: module.fix for module in (ssm_s3_001, ssm_s3_002, ssm_s3_004)
}
REACH_CONTROL: tuple[Control, Evaluate] = (ssm_s3_005.CONTROL, ssm_s3_005.evaluate)
DESTINATION_FACTS = {
    "s3.destination": ("name", "kinds", "fields", "own", "head"),
    "s3.unplaced_destination": ("kinds", "attachments"),
}
ATTACHMENT_KIND = "05"
DESTINATION_RELATED = {
    "s3.bucket": tuple(
        dict.fromkeys(name for control, _ in PROTECTION_CONTROLS for name in control.facts["s3.bucket"])
    ),
    **{type: facts for control, _ in PROTECTION_CONTROLS for type, facts in control.related.items()},
}
# What judge_synced_destination needs besides DESTINATION_RELATED.
SYNC_FACTS = {"ssm.data_sync": ("kms_key", "references")}
BUCKET_TYPE = "s3.bucket"


def judge_destination(resource: ResourceView, kind: str) -> Outcome | None:
    """A destination of one kind of data: FAIL if any of the four controls fails it, PASS if all pass.

    UNKNOWN for a setting that names its bucket in a way which leaves it unknown. None if data of this kind doesn't go
    there."""
    if resource.type == "s3.unplaced_destination":
        return _judge_unplaced(resource, kind)
    if kind not in resource["kinds"]:
        return None
    control, evaluate = REACH_CONTROL
    reached = judge_view(resource.seen_by(control), evaluate)
    if reached is not None and reached.verdict is Verdict.NOT_APPLICABLE:
        return reached  # AWS publishes there
    # SSM-S3-005 comes first: as long as the owner is unknown or outside, the bucket's settings prove nothing.
    if reached is None or reached.verdict is not Verdict.PASS:
        return _combine_outcomes(resource, {control.id: reached} if reached else {})
    bucket = _find_destination_bucket(resource)
    if bucket is None:
        return unknown(
            f"What protects the bucket {resource['name']} was not read in this scan.", _make_unread_policy_gap()
        )
    return _combine_outcomes(
        resource, {c.id: o for c, e in PROTECTION_CONTROLS if (o := judge_view(bucket.seen_by(c), e))}
    )


def judge_synced_destination(resource: ResourceView, kind: str) -> Outcome | None:
    """As judge_destination; also, the key that a resource data sync names for its data must work."""
    outcome = judge_destination(resource, kind)
    # A bucket that fails needs no look at the keys. Otherwise a key can turn a pass into unknown, or either into a
    # fail.
    if outcome is None or outcome.verdict is Verdict.FAIL or resource.type != "s3.destination":
        return outcome
    faults: list[Outcome] = []
    for sync in _list_syncs(resource, kind):
        try:
            fault = _find_sync_key_problem(resource, sync)
        except GapError as error:
            fault = make_unread_outcome(error.gaps)
        faults += [fault] if fault else []
    worse = [fault for fault in faults if fault.verdict is Verdict.FAIL] or faults
    if worse and (outcome.verdict is Verdict.PASS or worse[0].verdict is Verdict.FAIL):
        return replace(worse[0], reason=f"The key of a resource data sync to {resource['name']}: {worse[0].reason}")
    return outcome


def _judge_unplaced(resource: ResourceView, kind: str) -> Outcome | None:
    fields = resource["kinds"].get(kind, ())
    if fields:
        return unknown(f"Data of this kind goes to or comes from a bucket that can't be known. {'; '.join(fields)}.")
    # The attachments of a runbook, if the records that tell their bucket could not be read.
    if kind == ATTACHMENT_KIND and resource["attachments"]:
        return unknown("Where the attachments came from is not known.")
    return None


def _list_syncs(resource: ResourceView, kind: str) -> Iterator[ResourceView]:
    for setting in resource["fields"]:
        # Each field of a destination is the ARN of what names the bucket, a space, and the setting's name.
        arn = setting.partition(" ")[0]
        if ":resource-data-sync/" in arn:
            sync = resource.look_up("ssm.data_sync", arn, arn.split(":")[3])
            if sync is not None and any(each["kind"] == kind for each in sync["references"]):
                yield sync


def _find_sync_key_problem(resource: ResourceView, sync: ResourceView) -> Outcome | None:
    """The key must be of the bucket's region; a sync without a key writes under the bucket's default encryption."""
    key = sync["kms_key"]
    if not key:
        return None
    bucket = _find_destination_bucket(resource)
    there = bucket.region if bucket else region_of_key(key, sync.region)
    return find_key_problem(resource, key, sync.region, (there,))


def fix(resource: ResourceView) -> tuple[FixEffect, ...]:
    """Protect a bucket of this account; point a setting that names any other bucket elsewhere."""
    if resource.type != "s3.destination":
        return (FixEffect(resource.type, resource.region, resource.arn, gone=True),)
    control, evaluate = REACH_CONTROL
    reached = judge_view(resource.seen_by(control), evaluate)
    bucket = (
        _find_destination_bucket(resource) if reached and reached.verdict is Verdict.PASS and resource["own"] else None
    )
    if bucket is None:
        return (FixEffect(resource.type, resource.region, resource.arn, gone=True),)
    effects: list[FixEffect] = []
    for part, judging in PROTECTION_CONTROLS:
        view = bucket.seen_by(part)
        outcome = judge_view(view, judging)
        if outcome is not None and outcome.verdict is Verdict.FAIL:
            effects += PROTECTION_FIXES[part.id](view)
    return tuple(effects)


def _combine_outcomes(resource: ResourceView, outcomes: dict[str, Outcome]) -> Outcome:
    name = resource["name"]
    for verdict, how in ((Verdict.FAIL, "isn't protected as required"), (Verdict.UNKNOWN, "can't be judged")):
        found = {id: outcome for id, outcome in outcomes.items() if outcome.verdict is verdict}
        if found:
            said = " ".join(f"{id}: {outcome.reason}" for id, outcome in found.items())
            gaps = tuple(dict.fromkeys(gap for outcome in found.values() for gap in outcome.gaps))
            return Outcome(verdict, f"The bucket {name} {how}. {said}", gaps)
    return passed(
        f"The bucket {name} is the organization's own, is encrypted as required, refuses plain HTTP and isn't public."
    )


def _find_destination_bucket(resource: ResourceView) -> ResourceView | None:
    """The bucket behind a destination: from this account, or from its owner's evidence."""
    if resource["own"]:
        return resource.find(BUCKET_TYPE, resource.arn)
    held = resource.context.shared_buckets.get(resource["name"])
    if held is None:
        return None
    evidence = decode_evidence(held["evidence"])
    bucket = next((r for r in evidence.resources if r.type == BUCKET_TYPE), None)
    if bucket is None:
        return None
    control = PROTECTION_CONTROLS[0][0]
    theirs = replace(resource.context, account=str(held["account"]))
    return ResourceView(bucket, control, World([evidence]), theirs, control.facts[BUCKET_TYPE])


def extract_shared_evidence(world: World, bucket: Resource) -> Evidence:
    """The part of the owner's evidence that decides a bucket's protection, for Context.shared_buckets."""
    place = bucket.region
    # Facts and gaps, not verdicts: a control that changes later judges the bucket again from these.
    evidence = Evidence("shared_bucket", place, types=tuple(DESTINATION_RELATED))
    evidence.resources = [bucket, *world.resources("s3.account", GLOBAL).values()]
    encryption = bucket.facts.get("encryption")
    key = encryption.get("key") if isinstance(encryption, dict) else None
    if isinstance(key, str) and (named := world.resources("kms.reference", place).get(key)):
        evidence.resources.append(named)
    for type in DESTINATION_RELATED:
        if type != BUCKET_TYPE:
            for gap in world.enumeration_gaps(type, place):
                evidence.record_gap(type, gap)
    return evidence


def make_shared_bucket_entry(account: str, world: World, bucket: Resource) -> dict[str, object]:
    """One entry of Context.shared_buckets."""
    return {"account": account, "evidence": encode_evidence(extract_shared_evidence(world, bucket))}


def _make_unread_policy_gap() -> Gap:
    return Gap(GapKind.NOT_READ, "s3.GetBucketPolicy", "s3:GetBucketPolicy", GLOBAL, "NotCollected")
