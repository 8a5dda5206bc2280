"""Session data must be encrypted with a KMS key, in addition to TLS.

What is typed and shown in a session passes through the service. TLS protects each hop; with a KMS key only the
user's client and the node can read the data, and each session is a recorded use of the key.

**What is judged.** In each region with managed nodes: the session preferences,
`SSM-SessionManagerRunShell`, and every other own Session document, from `ssm.GetDocument`. `kmsKeyId` must
name a key (a `{{ parameter }}` is replaced by its default; without one it is unknown), and `kms.DescribeKey` must show that it works: it is
enabled, a symmetric encryption key, and in the document's region.
Without a preferences document the defaults apply, and they have no key: that fails.

**Not applicable** in a region without managed nodes, and for Port documents: AWS doesn't offer KMS
encryption for port forwarding.

**Unknown** when the nodes, the document or the key could not be read.

**Limits.** Whether the nodes' role and the users may use the key is not judged; if they may not,
sessions don't start at all.

**Source of the facts.** Systems Manager user guide, session preferences
(https://docs.aws.amazon.com/systems-manager/latest/userguide/session-preferences-enable-encryption.html) and
[Session document schema](https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html); KMS
API reference, KeyMetadata (https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes
from scans.controls.lib.judgements import KEY_RELATED, USABLE_KEY_FACTS, find_key_problem
from scans.controls.lib.key_examples import MEMBERS, STRANGERS_KEY
from scans.domain.control import (
    GAP,
    Case,
    Control,
    ControlScope,
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
    id="SSM-SM-001",
    file="ssm_sm_001",
    title="Session data is encrypted with KMS",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    # 2: a key in the state Updating works, and an unknown state is no fail. 3: a key that can't encrypt, or is in
    # another region, doesn't work. 4: a key that only the start of a session names is unknown; a key of an account
    # outside the organization fails.
    version=4,
    facts={"ssm.session_document": ("exists", "session", "name")},
    related={"ssm.node": ("hybrid",), **KEY_RELATED},
    container="arn:{p}:ssm:{r}:{a}:document/*",
    statements=("S20", "S23"),
    quote="You can also choose to further encrypt the data in transit using an AWS KMS key that has been created in "
    "AWS KMS.",
    remediation=Remediation(
        summary="Set kmsKeyId in the document's inputs to a symmetric key that the nodes' role and the users may use "
        "(kms:Decrypt, kms:GenerateDataKey). If SSM-SessionManagerRunShell doesn't exist, the last line creates it.",
        cli="aws ssm get-document --name {name} --document-format JSON --query Content --output text --region {region} > session.json\n"
        "aws ssm update-document --name {name} --content file://session.json --document-version '$LATEST' "
        "--region {region}\n"
        "aws ssm update-document-default-version --name {name} --document-version VERSION --region {region}\n"
        "aws ssm create-document --name SSM-SessionManagerRunShell --document-type Session "
        "--document-format JSON --content file://session.json --region {region}",
        # The whole document is replaced, so the logging, run-as and time-out inputs that it has are carried over.
        code="locals {\n"
        "  # what the first command wrote; where there is no document yet, write an object with\n"
        '  # schemaVersion "1.0", sessionType "Standard_Stream" and empty inputs\n'
        '  session = jsondecode(file("session.json"))\n}\n\n'
        'resource "aws_ssm_document" "session" {\n  name            = "{name}"\n'
        '  document_type   = "Session"\n  document_format = "JSON"\n'
        "  content = jsonencode(merge(local.session, {\n"
        "    inputs = merge(local.session.inputs, { kmsKeyId = aws_kms_key.sessions.arn })\n  }))\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    if not resource.all("ssm.node"):
        return not_applicable("This region has no managed nodes.")
    if not resource["exists"]:
        return failed("There are no session preferences: by default sessions have no KMS key.")
    session = resource["session"]
    if not session:
        return unknown("The Session document could not be understood.")
    if str(session.get("session_type", "")).lower() == "port":
        return not_applicable("KMS encryption is not offered for port forwarding.")
    name = session.get("kms_key")
    if not name and "kms_key" in session.get("left_to_run", ()):
        return unknown("The Session document names its KMS key by a parameter without a default: each session decides.")
    if not name:
        return failed("The Session document names no KMS key.")
    return find_key_problem(resource, str(name)) or passed(f"Session data is encrypted with {name}.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    key, made = fixes.make_customer_key(resource)
    return made, fixes.set_facts(
        resource, exists=True, session={**(resource["session"] or fixes.SESSION_PREFERENCES), "kms_key": key}
    )


KEY = "alias/sessions"
NODES = {"arn:aws:ec2:eu-west-1:111122223333:instance/i-1": {"hybrid": False}}
SHELL = {"session_type": "Standard_Stream", "kms_key": KEY}


def _case(
    name: str,
    verdict: Verdict,
    session: object,
    *,
    state: object = "",
    nodes: bool = True,
    refused: tuple[str, ...] = (),
    key: dict[str, Any] | None = None,
    context: dict[str, Any] | None = None,
    **facts: Any,
) -> Case:
    related: dict[str, dict[str, dict[str, Any]]] = {"ssm.node": NODES if nodes else {}, "kms.reference": {}}
    if state:
        related["kms.reference"][KEY] = {"state": state, **USABLE_KEY_FACTS, **(key or {})}
    own = {"exists": session is not None, "session": session, "name": "SSM-SessionManagerRunShell", **facts}
    return Case(name, verdict, own, related=related, related_gaps=refused, context=context or {})


CASES = [
    _case("a key that works", Verdict.PASS, SHELL, state="Enabled"),
    _case("a replica key that becomes the primary", Verdict.PASS, SHELL, state="Updating"),
    _case("a key in a state that this version doesn't know", Verdict.UNKNOWN, SHELL, state="Resting"),
    _case("a key that was not looked up", Verdict.UNKNOWN, SHELL),
    _case("no preferences", Verdict.FAIL, None),
    _case("an empty key", Verdict.FAIL, {**SHELL, "kms_key": ""}),
    _case("no key", Verdict.FAIL, {**SHELL, "kms_key": None}),
    _case("a key that each session names", Verdict.UNKNOWN, {**SHELL, "kms_key": None, "left_to_run": ["kms_key"]}),
    _case("a key outside the organization", Verdict.FAIL, {**SHELL, "kms_key": STRANGERS_KEY}, context=MEMBERS),
    _case("a disabled key", Verdict.FAIL, SHELL, state="Disabled"),
    _case("a key that signs", Verdict.FAIL, SHELL, state="Enabled", key={"usage": "SIGN_VERIFY"}),
    _case("a key in another region", Verdict.FAIL, {**SHELL, "kms_key": "arn:aws:kms:us-west-2:111122223333:key/1"}),
    _case("a key whose usage AWS left out", Verdict.UNKNOWN, SHELL, state="Enabled", key={"usage": GAP}),
    _case("a key that is gone", Verdict.FAIL, SHELL, state="NotFound"),
    _case("no nodes", Verdict.NOT_APPLICABLE, None, nodes=False),
    _case("port forwarding", Verdict.NOT_APPLICABLE, {"session_type": "Port", "kms_key": None}),
    _case("the document was denied", Verdict.UNKNOWN, GAP, exists=True),
    _case("not known whether it exists", Verdict.UNKNOWN, GAP, exists=GAP),
    _case("a document that can't be understood", Verdict.UNKNOWN, None, exists=True),
    _case("the key was denied", Verdict.UNKNOWN, SHELL, state=GAP),
    _case("the keys were refused", Verdict.UNKNOWN, SHELL, refused=("kms.reference",)),
    _case("the nodes were refused", Verdict.UNKNOWN, None, nodes=False, refused=("ssm.node",)),
]
