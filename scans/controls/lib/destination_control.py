"""Declares the fourteen controls on kinds of data in buckets (SSM-DS-001.*), and makes their common cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from accounts.aws.gaps import Gap
from scans.controls.lib.destinations import DESTINATION_FACTS, DESTINATION_RELATED
from scans.controls.lib.judgements import USABLE_KEY_FACTS
from scans.controls.lib.key_examples import MEMBERS, STRANGERS_KEY
from scans.domain.control import GAP, Case, Control, ControlScope, FlowStep, Remediation, Severity, Verdict

BUCKET_COMMANDS = (
    "\n# then protect the bucket itself\n"
    "aws s3api put-bucket-encryption --bucket {name} --server-side-encryption-configuration "
    '\'{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms",'
    '"KMSMasterKeyID":"KEY_ARN"},"BucketKeyEnabled":true}]}\'\n'
    "aws s3api put-public-access-block --bucket {name} --public-access-block-configuration "
    "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true\n"
    "# and add to its policy: "
    '{"Sid":"HttpsOnly","Effect":"Deny","Principal":"*","Action":"s3:*",'
    '"Resource":["BUCKET_ARN","BUCKET_ARN/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}'
)
BUCKET_CODE = (
    'resource "aws_s3_bucket_server_side_encryption_configuration" "this" {\n  bucket = "{name}"\n\n'
    "  rule {\n    bucket_key_enabled = true\n\n    apply_server_side_encryption_by_default {\n"
    '      sse_algorithm     = "aws:kms"\n      kms_master_key_id = aws_kms_key.data.arn\n    }\n  }\n}\n\n'
    'resource "aws_s3_bucket_public_access_block" "this" {\n  bucket                  = "{name}"\n'
    "  block_public_acls       = true\n  ignore_public_acls      = true\n"
    "  block_public_policy     = true\n  restrict_public_buckets = true\n}\n\n"
    'data "aws_iam_policy_document" "https_only" {\n  statement {\n    sid       = "HttpsOnly"\n'
    '    effect    = "Deny"\n    actions   = ["s3:*"]\n    resources = ["{arn}", "{arn}/*"]\n\n'
    '    principals {\n      type        = "*"\n      identifiers = ["*"]\n    }\n\n'
    '    condition {\n      test     = "Bool"\n      variable = "aws:SecureTransport"\n'
    '      values   = ["false"]\n    }\n  }\n}\n\n'
    'resource "aws_s3_bucket_policy" "this" {\n  bucket = "{name}"\n'
    "  policy = data.aws_iam_policy_document.https_only.json\n}"
)


def declare_destination_control(
    kind: str,
    *,
    title: str,
    quote: str,
    setting: str,
    cli: str,
    statements: tuple[str, ...] = ("S18",),
    code: str = "",
    more: Mapping[str, tuple[str, ...]] | None = None,
    beside: Mapping[str, tuple[str, ...]] | None = None,
    bucket_steps: bool = True,
) -> Control:
    """Declare one of the controls.

    setting: the words for what names the bucket. cli, code: how to point that setting elsewhere. The steps that
    protect the bucket itself are the same for all, and omitted if bucket_steps is false. more: further resource
    types that the control judges; they name buckets, too."""
    return Control(
        id=f"SSM-DS-001.{kind}",
        file=f"ssm_ds_001_{kind}",
        title=title,
        severity=Severity.HIGH,
        scope=ControlScope.GLOBAL,
        # 2: as SSM-S3-001's second. 3: as its third, and an owner that was not read proves nothing. 4: a setting whose
        # bucket can't be known is unknown; more documents are read; buckets of AWS's own are known; a key of an account
        # outside the organization fails.
        version=4,
        needs_organization=True,
        names_others=tuple(more or ()),
        facts={**DESTINATION_FACTS, **(more or {})},
        related={**DESTINATION_RELATED, **(beside or {})},
        flow_steps={"s3.destination": FlowStep.INTO},
        flow_kinds=(kind,),
        container="arn:{p}:s3:::*",
        statements=statements,
        quote=quote,
        empty_reason="No setting of this account sends data of this kind to a bucket.",
        remediation=Remediation(
            summary=f"Point {setting} at a protected bucket of the organization, or protect this one: default "
            "encryption with a customer managed key, a policy that refuses plain HTTP, all public access blocked. "
            "put-bucket-policy replaces the whole policy: read it first and add the statement to it.",
            cli=cli + BUCKET_COMMANDS if bucket_steps else cli,
            code="\n\n".join([code] * bool(code) + [BUCKET_CODE] * bucket_steps),
        ),
    )


READ = {"444455556666": "2026-03-01T12:00:00+00:00"}
NAME, ARN = "example", "arn:aws:s3:::example"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SYNC = "arn:aws:ssm:eu-west-1:111122223333:resource-data-sync/it"
BOOK = "arn:aws:ssm:eu-west-1:111122223333:document/book"
OWN_KEY = KEY.replace("1234", "4321")
WORKING_KEY = {"state": "Enabled", **USABLE_KEY_FACTS, "manager": "CUSTOMER", "aws_alias": None}
ALL = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
HTTPS = {
    "Statement": {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [ARN, f"{ARN}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
}
SISTER = "444455556666"
OURS, THEIRS = "arn:aws:s3::111122223333:account", f"arn:aws:s3::{SISTER}:account"


def make_bucket_facts(**changed: Any) -> dict[str, Any]:
    good = {
        "name": NAME,
        "encryption": {"algorithm": "aws:kms", "key": KEY, "bucket_key": True},
        "policy": HTTPS,
        "public_access_block": ALL,
        "policy_public": False,
    }
    return {**good, **changed, "$region": "eu-west-1"}


def make_related_facts(key: Mapping[str, Any] | None = None, **changed: Any) -> dict[str, dict[str, dict[str, Any]]]:
    return {
        "s3.bucket": {ARN: make_bucket_facts(**changed)},
        "s3.account": {OURS: {"public_access_block": None, "$region": "global"}},
        "kms.reference": {KEY: {**WORKING_KEY, **(key or {}), "$region": "eu-west-1"}},
    }


def make_shared_bucket(**changed: Any) -> dict[str, Any]:
    """A bucket of another account, as in the evidence of its owner."""
    facts = {
        name: _encode_case_fact(value) for name, value in make_bucket_facts(**changed).items() if name != "$region"
    }
    resources = [
        ["kms.reference", KEY, "eu-west-1", WORKING_KEY],
        ["s3.account", THEIRS, "global", {"public_access_block": None}],
        ["s3.bucket", ARN, "eu-west-1", facts],
    ]
    types = ["kms.reference", "s3.account", "s3.bucket"]
    document = {"schema": 1, "collector": "shared_bucket", "region": "eu-west-1", "types": types, "gaps": {}}
    return {NAME: {"account": SISTER, "evidence": {**document, "resources": resources}}}


def _encode_case_fact(value: Any) -> Any:
    return {"$gap": value.as_dict()} if isinstance(value, Gap) else value


def _make_destination_case(kind: str, name: str, verdict: Verdict | None, **more: Any) -> Case:
    facts = {
        "name": NAME,
        "kinds": more.get("kinds", [kind]),
        "fields": more.get("fields", ["setting field"]),
        "own": more.get("own", True),
        "head": more.get("head", "exists"),
    }
    known = {**MEMBERS, "bucket_owners": {NAME: SISTER}, "unread_accounts": frozenset(), **more.get("context", {})}
    return Case(
        name,
        verdict,
        facts,
        type="s3.destination",
        related=more.get("related", {}),
        arn=ARN,
        region="global",
        related_gaps=more.get("gaps", ()),
        context=known,
        reason_has=more.get("reason_has", ""),
    )


def _make_unplaced_case(name: str, verdict: Verdict | None, kind: object, reason_has: str = "") -> Case:
    kinds = {kind: [f"inputs.OutputS3BucketName: {reason_has}"]} if isinstance(kind, str) else kind
    facts = {"kinds": kinds, "attachments": None}
    return Case(name, verdict, facts, type="s3.unplaced_destination", arn=BOOK, region="global", reason_has=reason_has)


def make_destination_cases(kind: str, *, synced: bool = False) -> list[Case]:
    """The cases that every kind of data has; the kinds differ only in what names their bucket.

    synced: this kind is sent by resource data syncs, which may name a key of their own."""
    other = "13" if kind == "01" else "01"

    case = partial(_make_destination_case, kind)
    theirs = {"shared_buckets": make_shared_bucket()}
    return [
        case("an own bucket, protected", Verdict.PASS, related=make_related_facts()),
        _make_unplaced_case("a bucket that only a run knows", Verdict.UNKNOWN, kind, "it holds {{B}}"),
        _make_unplaced_case("another kind's unknown bucket", None, other),
        _make_unplaced_case("a setting that was not read", Verdict.UNKNOWN, GAP),
        case("a bucket of several kinds", Verdict.PASS, kinds=[kind, other], related=make_related_facts()),
        case("a protected bucket of another account", Verdict.PASS, own=False, head="forbidden", context=theirs),
        case("a bucket for other data", None, kinds=[other], related=make_related_facts()),
        case("keys of S3", Verdict.FAIL, related=make_related_facts(encryption=None), reason_has="SSM-S3-001"),
        case("plain HTTP", Verdict.FAIL, related=make_related_facts(policy=None), reason_has="SSM-S3-002"),
        case("public", Verdict.FAIL, related=make_related_facts(public_access_block=None), reason_has="SSM-S3-004"),
        case("a disabled key", Verdict.FAIL, related=make_related_facts(key={"state": "Disabled"}), reason_has="is disabled"),
        case("a key outside the organization", Verdict.FAIL, related=make_related_facts(encryption={"algorithm": "aws:kms", "key": STRANGERS_KEY, "bucket_key": True}), reason_has="999999999999"),
        case("a key that signs", Verdict.FAIL, related=make_related_facts(key={"usage": "SIGN_VERIFY"}), reason_has="can't encrypt"),
        case("a bucket that doesn't exist", Verdict.FAIL, own=False, head="not_found", reason_has="SSM-S3-005"),
        case("a bucket outside", Verdict.FAIL, own=False, context={"bucket_owners": {}}, reason_has="SSM-S3-005"),
        case(
            "a weak bucket of another account",
            Verdict.FAIL,
            own=False,
            context={"shared_buckets": make_shared_bucket(policy=None)},
            reason_has="SSM-S3-002",
        ),
        case("weak, and the rest was refused", Verdict.FAIL, related=make_related_facts(policy=None, encryption=GAP)),
        case("another account's bucket that refuses", Verdict.UNKNOWN, own=False, head="forbidden", context={"bucket_owners": {}}),
        case("an owner that was not read this time", Verdict.UNKNOWN, own=False, reason_has="2026-03-01", context={**theirs, "not_read": READ}),
        case("an owner that this scan left out", Verdict.UNKNOWN, own=False, reason_has="not part", context={**theirs, "left_out": READ}),
        case("an owner's bucket that was not read", Verdict.UNKNOWN, own=False, context={"shared_buckets": {}}),
        case("an owner's bucket, read in part", Verdict.UNKNOWN, own=False, context={"shared_buckets": make_shared_bucket(policy=GAP)}),
        case("its encryption was refused", Verdict.UNKNOWN, related=make_related_facts(encryption=GAP), reason_has="SSM-S3-001"),
        case("its policy was refused", Verdict.UNKNOWN, related=make_related_facts(policy=GAP)),
        case("its key was refused", Verdict.UNKNOWN, related=make_related_facts(key={"state": GAP})),
        case("the buckets were not read", Verdict.UNKNOWN, gaps=("s3.bucket",)),
        case("an own bucket that was not read", Verdict.UNKNOWN),
        case("the destination was not probed", Verdict.UNKNOWN, own=GAP, head=GAP, related=make_related_facts()),
        case("owners are not known yet", Verdict.UNKNOWN, own=False, context={"bucket_owners": None}),
        *(_make_sync_cases(kind, case) if synced else ()),
    ]  # fmt: skip


def _make_sync_cases(kind: str, case: Callable[..., Case]) -> list[Case]:
    """A resource data sync that names a key of its own."""
    far = OWN_KEY.replace("eu-west-1", "us-west-2")
    works = {**WORKING_KEY, "$region": "eu-west-1"}

    def sync(name: str, verdict: Verdict, key: object, of: str = kind, **found: Any) -> Case:
        item = {"kms_key": key, "references": [{"kind": of, "bucket": NAME}], "$region": "eu-west-1"}
        held = make_related_facts(**found.pop("bucket", {}))
        held["kms.reference"] |= {str(key): {**works, **found}} if isinstance(key, str) else {}
        return case(
            name, verdict, fields=[f"{SYNC} S3Destination.BucketName"], related={**held, "ssm.data_sync": {SYNC: item}}
        )

    return [
        sync("a sync without a key", Verdict.PASS, None),
        sync("a sync with a key that works", Verdict.PASS, OWN_KEY),
        sync("a sync with a disabled key", Verdict.FAIL, OWN_KEY, state="Disabled"),
        sync("a sync with a key that signs", Verdict.FAIL, OWN_KEY, usage="SIGN_VERIFY", spec="RSA_2048"),
        sync("a sync with a key of another region than the bucket", Verdict.FAIL, far),
        sync("a sync with a key that signs, the bucket not read", Verdict.FAIL, OWN_KEY, usage="SIGN_VERIFY", bucket={"policy": GAP}),
        sync("a sync with a key that was refused", Verdict.UNKNOWN, OWN_KEY, state=GAP),
        sync("a sync whose key was not read", Verdict.UNKNOWN, GAP),
        sync("a sync of other data", Verdict.PASS, OWN_KEY, "11", state="Disabled"),
    ]  # fmt: skip
