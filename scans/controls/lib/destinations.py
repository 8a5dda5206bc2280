"""Is a bucket that Systems Manager data goes to protected? One judgement for every kind of data. Pure.

It adds nothing of its own to what the controls on buckets say: SSM-S3-005 judges the destination, and
SSM-S3-001, SSM-S3-002 and SSM-S3-004 the bucket behind it. The bucket may belong to another account of
the organization; then what that account's evidence says of it stands in Context.shared_buckets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from accounts.aws.gaps import Gap, GapError, GapKind
from scans.controls import ssm_s3_001, ssm_s3_002, ssm_s3_004, ssm_s3_005
from scans.controls.lib.judgements import key_fault, region_of_key
from scans.domain.control import Control, Cure, Effect, Evaluate, Outcome, ResourceView, Verdict, passed, unknown
from scans.domain.engine import judge_view, unread
from scans.domain.evidence import GLOBAL, Evidence, Resource, World, dump, load

PARTS: tuple[tuple[Control, Evaluate], ...] = tuple(
    (module.CONTROL, module.evaluate) for module in (ssm_s3_001, ssm_s3_002, ssm_s3_004)
)
CURES: dict[str, Cure] = {module.CONTROL.id: module.cure for module in (ssm_s3_001, ssm_s3_002, ssm_s3_004)}
REACH: tuple[Control, Evaluate] = (ssm_s3_005.CONTROL, ssm_s3_005.evaluate)
FACTS = {"s3.destination": ("name", "kinds", "fields", "own", "head")}
RELATED = {
    "s3.bucket": tuple(dict.fromkeys(name for control, _ in PARTS for name in control.facts["s3.bucket"])),
    **{type: facts for control, _ in PARTS for type, facts in control.related.items()},
}
SYNCS = {"ssm.data_sync": ("kms_key", "references")}  # what judge_synced needs beside RELATED
BUCKET = "s3.bucket"


def judge(resource: ResourceView, kind: str) -> Outcome | None:
    """A destination of one kind of data: FAIL if any of the four controls fails it, PASS if all pass.

    None: data of this kind doesn't go there."""
    if kind not in resource["kinds"]:
        return None
    control, evaluate = REACH
    reached = judge_view(resource.seen_by(control), evaluate)
    if reached is None or reached.verdict is not Verdict.PASS:
        return _worst(resource, {control.id: reached} if reached else {})
    bucket = _bucket(resource)
    if bucket is None:
        return unknown(f"What protects the bucket {resource['name']} was not read in this scan.", _not_read())
    return _worst(resource, {c.id: o for c, e in PARTS if (o := judge_view(bucket.seen_by(c), e))})


def judge_synced(resource: ResourceView, kind: str) -> Outcome | None:
    """As judge; and the key that a resource data sync names for what it writes there must work."""
    outcome = judge(resource, kind)
    if outcome is None or outcome.verdict is Verdict.FAIL:
        return outcome
    faults: list[Outcome] = []
    for sync in _syncs(resource, kind):
        try:
            fault = _sync_key_fault(resource, sync)
        except GapError as error:
            fault = unread(error.gaps)
        faults += [fault] if fault else []
    worse = [fault for fault in faults if fault.verdict is Verdict.FAIL] or faults
    if worse and (outcome.verdict is Verdict.PASS or worse[0].verdict is Verdict.FAIL):
        return replace(worse[0], reason=f"The key of a resource data sync to {resource['name']}: {worse[0].reason}")
    return outcome


def _syncs(resource: ResourceView, kind: str) -> Iterator[ResourceView]:
    for setting in resource["fields"]:
        arn = setting.partition(" ")[0]
        if ":resource-data-sync/" in arn:
            sync = resource.look("ssm.data_sync", arn, arn.split(":")[3])
            if sync is not None and any(each["kind"] == kind for each in sync["references"]):
                yield sync


def _sync_key_fault(resource: ResourceView, sync: ResourceView) -> Outcome | None:
    """The key must be of the bucket's region; a sync without a key writes under the bucket's default encryption."""
    key = sync["kms_key"]
    if not key:
        return None
    bucket = _bucket(resource)
    there = bucket.region if bucket else region_of_key(key, sync.region)
    return key_fault(resource, key, sync.region, (there,))


def cure(resource: ResourceView) -> tuple[Effect, ...]:
    """Bring an own bucket in order; point the setting that names any other one elsewhere."""
    control, evaluate = REACH
    reached = judge_view(resource.seen_by(control), evaluate)
    bucket = _bucket(resource) if reached and reached.verdict is Verdict.PASS and resource["own"] else None
    if bucket is None:
        return (Effect(resource.type, resource.region, resource.arn, gone=True),)
    effects: list[Effect] = []
    for part, judging in PARTS:
        view = bucket.seen_by(part)
        outcome = judge_view(view, judging)
        if outcome is not None and outcome.verdict is Verdict.FAIL:
            effects += CURES[part.id](view)
    return tuple(effects)


def _worst(resource: ResourceView, outcomes: dict[str, Outcome]) -> Outcome:
    name = resource["name"]
    for verdict, how in ((Verdict.FAIL, "falls short"), (Verdict.UNKNOWN, "can't be judged")):
        found = {id: outcome for id, outcome in outcomes.items() if outcome.verdict is verdict}
        if found:
            said = " ".join(f"{id}: {outcome.reason}" for id, outcome in found.items())
            gaps = tuple(dict.fromkeys(gap for outcome in found.values() for gap in outcome.gaps))
            return Outcome(verdict, f"The bucket {name} {how}. {said}", gaps)
    return passed(
        f"The bucket {name} is the organization's own, is encrypted as required, refuses plain HTTP and isn't public."
    )


def _bucket(resource: ResourceView) -> ResourceView | None:
    """The bucket behind a destination: in this account, or as its owner's evidence shows it."""
    if resource["own"]:
        return resource.find(BUCKET, resource.arn)
    held = resource.context.shared_buckets.get(resource["name"])
    if held is None:
        return None
    evidence = load(held["evidence"])
    bucket = next((r for r in evidence.resources if r.type == BUCKET), None)
    if bucket is None:
        return None
    control = PARTS[0][0]
    theirs = replace(resource.context, account=str(held["account"]))
    return ResourceView(bucket, control, World([evidence]), theirs, control.facts[BUCKET])


def share(world: World, bucket: Resource) -> Evidence:
    """What a bucket's protection rests on, out of its owner's evidence: for Context.shared_buckets."""
    place = bucket.region
    evidence = Evidence("shared_bucket", place, types=tuple(RELATED))
    evidence.resources = [bucket, *world.resources("s3.account", GLOBAL).values()]
    encryption = bucket.facts.get("encryption")
    key = encryption.get("key") if isinstance(encryption, dict) else None
    if isinstance(key, str) and (named := world.resources("kms.reference", place).get(key)):
        evidence.resources.append(named)
    for type in RELATED:
        if type != BUCKET:
            for gap in world.enumeration_gaps(type, place):
                evidence.miss(type, gap)
    return evidence


def shared(account: str, world: World, bucket: Resource) -> dict[str, object]:
    """One entry of Context.shared_buckets."""
    return {"account": account, "evidence": dump(share(world, bucket))}


def _not_read() -> Gap:
    return Gap(GapKind.NOT_READ, "s3.GetBucketPolicy", "s3:GetBucketPolicy", GLOBAL, "NotCollected")
