"""Sessions must be logged, and only to encrypted destinations.

A session log records what was done on a machine, and often contains what the screen showed: secrets, customers'
data. It must exist, and it must be encrypted.

**What is judged.** In each region with managed nodes: `SSM-SessionManagerRunShell` and every other own
Session document, from `ssm.GetDocument`. At least one of `s3BucketName` and `cloudWatchLogGroupName` must be
set, and each that is set needs `s3EncryptionEnabled` or `cloudWatchEncryptionEnabled` true. These flags
don't encrypt anything: they make Session Manager refuse a destination that isn't encrypted. The
text "true" counts as true, and a `{{ parameter }}` is replaced by its default. Without a document nothing is logged.

**Not applicable** in a region without managed nodes, and for Port documents: port forwarding and SSH
leave no log.

**Unknown** when the nodes or the document could not be read, or when a parameter without a default decides where a
session is logged, or whether encryption is demanded there.

**Limits.** SSM-S3-* and SSM-LG-003 judge whether the bucket and log group exist and are protected.

**Source of the facts.** Systems Manager user guide,
[logging session activity](https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-logging.html)
and [Session document schema](https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes
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

CONTROL = Control(
    id="SSM-SM-002",
    file="ssm_sm_002",
    title="Sessions are logged, to encrypted places only",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    version=2,  # 2: a log that only the start of a session names is unknown
    facts={"ssm.session_document": ("exists", "session", "name")},
    related={"ssm.node": ("hybrid",)},
    flow_steps={"ssm.session_document": FlowStep.INTO},
    flow_kinds=("08", "session"),
    container="arn:{p}:ssm:{r}:{a}:document/*",
    statements=("S8", "S18", "S19"),
    quote="Session Manager session history logs",
    remediation=Remediation(
        summary="Set cloudWatchLogGroupName with cloudWatchEncryptionEnabled, or s3BucketName with s3EncryptionEnabled, "
        "in the document's inputs, and let the nodes' role write there. If SSM-SessionManagerRunShell doesn't "
        "exist, the last line creates it.",
        cli="aws ssm get-document --name {name} --query Content --output text --region {region} > session.json\n"
        "aws ssm update-document --name {name} --content file://session.json --document-version '$LATEST' "
        "--region {region}\n"
        "aws ssm update-document-default-version --name {name} --document-version VERSION --region {region}\n"
        "aws ssm create-document --name SSM-SessionManagerRunShell --document-type Session "
        "--document-format JSON --content file://session.json --region {region}",
        code='resource "aws_ssm_document" "session" {\n  name            = "{name}"\n'
        '  document_type   = "Session"\n  document_format = "JSON"\n  content = jsonencode({\n'
        '    schemaVersion = "1.0"\n    sessionType   = "Standard_Stream"\n    inputs = {\n'
        "      cloudWatchLogGroupName      = aws_cloudwatch_log_group.sessions.name\n"
        "      cloudWatchEncryptionEnabled = true\n    }\n  })\n}",
    ),
)

PLACES = (("s3_bucket", "s3_encrypted", "bucket"), ("log_group", "log_encrypted", "log group"))


def evaluate(resource: ResourceView) -> Outcome:
    if not resource.all("ssm.node"):
        return not_applicable("This region has no managed nodes.")
    if not resource["exists"]:
        return failed("There are no session preferences: by default sessions are not logged.")
    session = resource["session"]
    if not session:
        return unknown("The Session document could not be understood.")
    if str(session.get("session_type", "")).lower() == "port":
        return not_applicable("Port forwarding leaves no session log.")
    return _judge_log_places(session)


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Require encryption wherever sessions are logged; log them to a log group if they aren't."""
    session = resource["session"] or fixes.SESSION_PREFERENCES
    if not any(session.get(key) for key, _, _ in PLACES):
        session = {**session, "log_group": "LOG_GROUP"}
    demanded = {flag: True for key, flag, _ in PLACES if session.get(key)}
    return (fixes.set_facts(resource, exists=True, session={**session, **demanded}),)


def _judge_log_places(session: dict[str, Any]) -> Outcome:
    left = session.get("left_to_run", ())
    places = [(session[key], _is_true(session.get(flag)), kind) for key, flag, kind in PLACES if session.get(key)]
    if left and not places:
        return unknown("The Session document names its log by a parameter without a default: each session decides.")
    if not places:
        return failed("Sessions are not logged: the document names neither a bucket nor a log group.")
    unsure = [kind for key, flag, kind in PLACES if key in left and not _is_true(session.get(flag))]
    unsure += [kind for key, flag, kind in PLACES if session.get(key) and flag in left]
    flags = {kind: flag for _, flag, kind in PLACES}
    open_ones = [f"{kind} {name}" for name, encrypted, kind in places if not encrypted and flags[kind] not in left]
    if open_ones:
        return failed(f"Sessions may be logged unencrypted to {' and '.join(open_ones)}: encryption is not demanded.")
    if unsure:
        return unknown(
            f"A parameter without a default decides about the {' and the '.join(unsure)} and its encryption."
        )
    return passed(
        f"Sessions are logged, with encryption demanded, to {' and '.join(f'{k} {n}' for n, _, k in places)}."
    )


def _is_true(value: object) -> bool:
    return value is True or str(value).strip().lower() == "true"


NODES = {"arn:aws:ec2:eu-west-1:111122223333:instance/i-1": {"hybrid": False}}
NOWHERE = {
    "session_type": "Standard_Stream",
    "s3_bucket": None,
    "s3_encrypted": True,
    "log_group": None,
    "log_encrypted": True,
    "kms_key": None,
}
GROUP = {**NOWHERE, "log_group": "sessions"}


def _case(
    name: str, verdict: Verdict, session: object, *, nodes: bool = True, refused: bool = False, **facts: Any
) -> Case:
    own = {"exists": session is not None, "session": session, "name": "SSM-SessionManagerRunShell", **facts}
    related = {"ssm.node": NODES if nodes else {}}
    return Case(name, verdict, own, related=related, related_gaps=("ssm.node",) if refused else ())


CASES = [
    _case("an encrypted bucket", Verdict.PASS, {**NOWHERE, "s3_bucket": "logs"}),
    _case("an encrypted log group", Verdict.PASS, {**NOWHERE, "log_group": "sessions"}),
    _case("both", Verdict.PASS, {**NOWHERE, "s3_bucket": "logs", "log_group": "sessions"}),
    _case("the text true", Verdict.PASS, {**NOWHERE, "s3_bucket": "logs", "s3_encrypted": "true"}),
    _case("the text false", Verdict.FAIL, {**NOWHERE, "s3_bucket": "logs", "s3_encrypted": "false"}),
    _case("nowhere", Verdict.FAIL, NOWHERE),
    _case("a bucket that each session names", Verdict.UNKNOWN, {**NOWHERE, "left_to_run": ["s3_bucket"]}),
    _case("a bucket that each session names, beside a group", Verdict.PASS, {**GROUP, "left_to_run": ["s3_bucket"]}),
    _case(
        "the same, encryption not demanded",
        Verdict.UNKNOWN,
        {**GROUP, "left_to_run": ["s3_bucket"], "s3_encrypted": False},
    ),
    _case(
        "encryption that each session decides",
        Verdict.UNKNOWN,
        {**GROUP, "left_to_run": ["log_encrypted"], "log_encrypted": False},
    ),
    _case("no preferences", Verdict.FAIL, None),
    _case("a bucket, encryption not demanded", Verdict.FAIL, {**NOWHERE, "s3_bucket": "logs", "s3_encrypted": False}),
    _case(
        "one of two not demanded",
        Verdict.FAIL,
        {**NOWHERE, "s3_bucket": "logs", "log_group": "sessions", "log_encrypted": False},
    ),
    _case("no nodes", Verdict.NOT_APPLICABLE, None, nodes=False),
    _case("port forwarding", Verdict.NOT_APPLICABLE, {**NOWHERE, "session_type": "Port"}),
    _case("the document was denied", Verdict.UNKNOWN, GAP, exists=True),
    _case("not known whether it exists", Verdict.UNKNOWN, GAP, exists=GAP),
    _case("a document that can't be understood", Verdict.UNKNOWN, None, exists=True),
    _case("the nodes were refused", Verdict.UNKNOWN, None, nodes=False, refused=True),
]
