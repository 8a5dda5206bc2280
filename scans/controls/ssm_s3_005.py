"""Every bucket that a setting names must exist and belong to the organization.

A setting keeps naming a bucket after the bucket was deleted. Bucket names are global: any AWS account can create a
bucket with that name and then receives the data, without any error.

**What is judged.** Every bucket name in this account's Systems Manager settings and trails, compared with the buckets
of all scanned accounts (`s3.ListBuckets`), and `s3.HeadBucket` on each:

* a bucket that exists and that an account of the organization owns passes;
* one that doesn't exist fails: any AWS account can create it;
* one that exists, that this account may reach, and that none of the organization's accounts owns fails.

**Not applicable** for a bucket in which AWS publishes templates, scripts, agents or patch data, where settings only
take content from it. Such buckets are known by their exact names; a name that only begins like one fails.

**Unknown** when a setting names its bucket by a parameter that only a run resolves, through an access point, or in
another way that leaves the bucket unknown; when a bucket is in no scanned account and S3 refuses to say more (403,
without a reason): it may be an outside account's, or a policy or the scan role doesn't permit the look; when it exists and the buckets of
some accounts were not read, so that one of them may own it; or when the account that owned it could not be read in
this scan: the bucket may have been deleted, and created again by another account.

Such a 403 proves nothing by itself. If S3 names the bucket's region in the same answer (`x-amz-bucket-region`), the bucket
exists; the reason says which of both it is.

**Limits.** Judged after all accounts were read. A scan of some accounts can't judge buckets that other accounts
own; the outcome of the last scan that read both remains.

**Source of the facts.** S3 API reference,
[ListBuckets](https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html) and
[HeadBucket](https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html); S3 user guide,
[bucket naming](https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html); Systems Manager user
guide, AWS managed buckets
(https://docs.aws.amazon.com/systems-manager/latest/userguide/ssm-agent-technical-details.html,
https://docs.aws.amazon.com/systems-manager/latest/userguide/patch-operations-s3-buckets.html).
"""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap, GapKind
from scans.controls.lib import fixes
from scans.domain.aws_buckets import is_aws_bucket
from scans.domain.control import (
    GAP,
    Case,
    Control,
    ControlScope,
    FlowStep,
    Outcome,
    Remediation,
    ResourceView,
    Severity,
    Verdict,
    failed,
    not_applicable,
    passed,
    unknown,
)
from scans.domain.owner_evidence import LEFT_OUT_GAP, unknown_unless_read

SHOWN = 3
# What HeadBucket tells of a bucket, apart from not_found. exists_forbidden: S3 refused, and named the bucket's region.
HEADS = ("exists", "exists_forbidden", "forbidden")
# Data of these kinds is taken from the bucket; every other kind is written to it.
CONTENT_KINDS = frozenset({"02", "04", "05", "06", "11", "14"})

CONTROL = Control(
    id="SSM-S3-005",
    file="ssm_s3_005",
    title="Destination buckets exist and are ours",
    severity=Severity.CRITICAL,
    scope=ControlScope.GLOBAL,
    # 2: an owner that was not read in this scan proves nothing. 3: buckets of AWS's own are known, and a setting whose
    # bucket can't be known is unknown. 4: the reason says whether a bucket that refuses a look exists.
    # Also AWS's buckets of agents and drivers (ECS, X-Ray, GuardDuty, GPUs) and of kubectl are known.
    version=4,
    needs_organization=True,
    facts={"s3.destination": ("name", "kinds", "fields", "own", "head"), "s3.unplaced_destination": ("kinds",)},
    flow_steps={"s3.destination": FlowStep.INTO},
    container="arn:{p}:s3:::*",
    statements=("S18",),
    quote="upload or store data in one or more Amazon Simple Storage Service (Amazon S3) buckets",
    empty_reason="No setting of this account names a bucket.",
    remediation=Remediation(
        summary="If the bucket is gone, create it at once in one of your accounts, before another account does, or point "
        "the setting elsewhere. If it belongs to an account outside the organization, change the setting and find out what "
        "was written there. In your own buckets' policies, name the accounts that may write (aws:SourceAccount).",
        cli="aws s3api head-bucket --bucket {name} --expected-bucket-owner {account}\n"
        # Unlike s3api create-bucket it leaves the LocationConstraint out in us-east-1, where S3 refuses one.
        "aws s3 mb s3://{name} --region REGION",
        code='resource "aws_s3_bucket" "destination" {\n  bucket = "{name}"\n\n  lifecycle {\n    prevent_destroy = true\n  }\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome | None:
    if resource.type == "s3.unplaced_destination":
        fields = [field for _, named in sorted(resource["kinds"].items()) for field in named]
        if not fields:
            return None  # only the records of its attachments are missing, which SSM-DS-001.05 judges
        return unknown(f"The bucket can't be known: {_format_some_fields(list(dict.fromkeys(fields)))}.")
    name, owners = resource["name"], resource.context.bucket_owners
    head, where = resource["head"], _format_some_fields(resource["fields"])
    # Before everything else: any AWS account can take a name that exists nowhere, even if an account still lists it.
    if head == "not_found":
        return failed(f"No bucket {name} exists, and anyone can make it and receive the data. It is named in {where}.")
    if resource["own"]:
        return passed(f"The bucket {name} belongs to this account.")
    if owners and name in owners:
        said = (
            f"The account {owners[name]} of the organization was the owner of the bucket {name} when it was last read."
        )
        return unknown_unless_read(resource.context, owners[name], said) or passed(
            f"The bucket {name} belongs to the account {owners[name]} of the organization."
        )
    if is_aws_bucket(name) and CONTENT_KINDS.issuperset(resource["kinds"]) and head in HEADS:
        return not_applicable(f"AWS publishes content in the bucket {name}, and settings only take content from it.")
    if owners is None:
        return unknown(f"Who owns the bucket {name} isn't known until all accounts were read.", _make_not_listed_gap())
    # Only a scan of all accounts can prove that none of them owns the bucket.
    if resource.context.left_out:
        others = len(resource.context.left_out)
        return unknown(
            f"The bucket {name} may belong to one of the {others} accounts that this scan left out.", LEFT_OUT_GAP
        )
    # HeadBucket says that the bucket is reachable, not whose it is: that follows from the lists of all accounts.
    if head == "exists" and not resource.context.unread_accounts:
        return failed(f"The bucket {name} belongs to no account of the organization. It is named in {where}.")
    if head == "exists":
        unread = len(resource.context.unread_accounts)
        return unknown(
            f"The bucket {name} is in no account that was read; {unread} could not be read.", _make_not_listed_gap()
        )
    known = "exists, since S3 names its region" if head == "exists_forbidden" else "may not even exist"
    return unknown(
        f"The bucket {name} is in no account that was read, and S3 refuses a look at it without a reason (403). It {known}; "
        "whose it is isn't known. It may be another account's, or a policy or the scan role doesn't permit the look.",
        _make_refused_gap(),
    )


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Create the bucket that is missing; point a setting that names an outside bucket elsewhere."""
    if resource.type == "s3.destination" and resource["head"] == "not_found":
        return (fixes.set_facts(resource, own=True, head="exists"),)
    return (fixes.FixEffect(resource.type, resource.region, resource.arn, gone=True),)


def _format_some_fields(fields: list[str]) -> str:
    more = f" and {len(fields) - SHOWN} more" if len(fields) > SHOWN else ""
    return ", ".join(fields[:SHOWN]) + more


def _make_not_listed_gap() -> Gap:
    return Gap(GapKind.NOT_READ, "s3.ListBuckets", "s3:ListAllMyBuckets", "global", "NotCollected")


def _make_refused_gap() -> Gap:
    return Gap(GapKind.DENIED, "s3.HeadBucket", "s3:ListBucket", "global", "403")


SISTER = "444455556666"
READ = {SISTER: "2026-03-01T12:00:00+00:00"}
OWNERS = {"example": "444455556666", "other": "111122223333"}


def _case(name: str, verdict: Verdict, head: object, bucket: str = "stray", **more: Any) -> Case:
    facts = {"name": bucket, "fields": more.get("fields", ["trail main"]), "own": more.get("own", False), "head": head}
    facts |= {"kinds": more.get("kinds", ["07"])}
    context = {
        "bucket_owners": more.get("owners", OWNERS),
        "unread_accounts": frozenset(more.get("unread", ())),
        "not_read": more.get("not_read", {}),
        "left_out": more.get("left_out", {}),
    }
    arn = f"arn:aws:s3:::{bucket}"
    return Case(name, verdict, facts, arn=arn, region="global", context=context, reason_has=more.get("reason_has", ""))


TEMPLATES = "cloudformation-templates-us-east-1"
BOOK = "arn:aws:ssm:eu-west-1:111122223333:document/book"


def _unplaced_case(name: str, verdict: Verdict | None, kinds: object) -> Case:
    return Case(name, verdict, {"kinds": kinds}, type="s3.unplaced_destination", arn=BOOK, region="global")


CASES = [
    _case("templates of AWS", Verdict.NOT_APPLICABLE, "forbidden", TEMPLATES, kinds=["11"]),
    _case("a name that begins like AWS's", Verdict.FAIL, "exists", f"{TEMPLATES}-free", kinds=["11"]),
    _case("a name of AWS that doesn't exist", Verdict.FAIL, "not_found", TEMPLATES, kinds=["11"]),
    _case("output to a bucket of AWS", Verdict.FAIL, "exists", TEMPLATES, kinds=["01", "11"]),
    _unplaced_case("a bucket that only a run knows", Verdict.UNKNOWN, {"01": ["Output: it holds {{B}}"]}),
    _unplaced_case("attachments whose record was refused", None, {}),
    _unplaced_case("a setting that was not read", Verdict.UNKNOWN, GAP),
    _case("an own bucket", Verdict.PASS, "exists", "other", own=True),
    _case("a readable bucket of another account of the organization", Verdict.PASS, "exists", "example"),
    _case(
        "a bucket of another account of the organization that refuses",
        Verdict.PASS,
        "forbidden",
        "example",
        reason_has="444455556666",
    ),
    _case("a bucket that doesn't exist", Verdict.FAIL, "not_found", reason_has="anyone can make it"),
    _case("a bucket that was deleted since it was listed", Verdict.FAIL, "not_found", "example"),
    _case("a bucket that doesn't exist, with accounts unread", Verdict.FAIL, "not_found", unread=["999999999999"]),
    _case("a bucket outside the organization", Verdict.FAIL, "exists", reason_has="no account of the organization"),
    _case(
        "named in many places",
        Verdict.FAIL,
        "exists",
        fields=["a", "b", "c", "d", "e"],
        reason_has="a, b, c and 2 more",
    ),
    _case("perhaps an unread account's bucket", Verdict.UNKNOWN, "exists", unread=["999999999999"]),
    _case(
        "an owner that was not read this time",
        Verdict.UNKNOWN,
        "exists",
        "example",
        not_read=READ,
        reason_has="2026-03-01",
    ),
    _case(
        "an owner that was never read",
        Verdict.UNKNOWN,
        "exists",
        "example",
        not_read={SISTER: ""},
        reason_has="no scan has ever",
    ),
    _case(
        "an owner that this scan left out", Verdict.UNKNOWN, "exists", "example", left_out=READ, reason_has="not part"
    ),
    _case("perhaps the bucket of an account left out", Verdict.UNKNOWN, "exists", left_out=READ),
    _case("an own bucket, others not read", Verdict.PASS, "exists", "other", own=True, not_read=READ, left_out=READ),
    _case("a bucket that doesn't exist, its owner not read", Verdict.FAIL, "not_found", "example", not_read=READ),
    _case("a bucket that may not be looked at", Verdict.UNKNOWN, "forbidden", reason_has="may not even exist"),
    _case("one that exists for certain", Verdict.UNKNOWN, "exists_forbidden", reason_has="exists, since S3 names"),
    _case("an own bucket that may not be looked at", Verdict.PASS, "forbidden", "other", own=True),
    _case("whether it is an own bucket wasn't read", Verdict.UNKNOWN, "forbidden", own=GAP),
    _case("templates of AWS that exist", Verdict.NOT_APPLICABLE, "exists_forbidden", TEMPLATES, kinds=["11"]),
    _case("the bucket was not asked", Verdict.UNKNOWN, GAP),
    _case("the owners of buckets are not known yet", Verdict.UNKNOWN, "exists", owners=None),
]
