"""What the controls on log groups share: their declaration, their fix and their cases."""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.judgements import KEY_RELATED, LOG_GROUP_FACTS, UNPLACED_GROUP, USABLE_KEY_FACTS
from scans.controls.lib.key_examples import MEMBERS, STRANGERS_KEY
from scans.domain.control import (
    GAP,
    Case,
    Control,
    ControlScope,
    FlowStep,
    Remediation,
    ResourceView,
    Severity,
    Verdict,
)

GROUP_SUMMARY = (
    "In the policy of a customer managed key of this region, let logs.REGION.amazonaws.com use the key "
    "(kms:Encrypt*, kms:Decrypt*, kms:ReEncrypt*, kms:GenerateDataKey*, kms:Describe*), then give it to the group. "
    "Existing log data keeps its encryption."
)
GROUP_COMMAND = "aws logs associate-kms-key --region {region} --log-group-name {name} --kms-key-id KEY_ARN"
GROUP_CODE = (
    'resource "aws_cloudwatch_log_group" "this" {\n  name       = "{name}"\n  kms_key_id = aws_kms_key.logs.arn\n}'
)


def declare_log_group_control(
    number: str, kind: str, *, title: str, quote: str, empty_reason: str, named: bool = True
) -> Control:
    """kind: of the data that the groups take. named: whether documents name the groups, and so may leave one unknown."""
    return Control(
        id=f"SSM-LG-{number}",
        file=f"ssm_lg_{number}",
        title=title,
        severity=Severity.HIGH,
        scope=ControlScope.REGION,
        # 2: a key that can't encrypt, or lies in another region, is no key that works. 3: a key of an account outside the
        # organization fails. 4: a setting whose group can't be known is unknown.
        version=4 if named else 3,
        facts={"logs.group": LOG_GROUP_FACTS, **({UNPLACED_GROUP: ("kinds",)} if named else {})},
        related=KEY_RELATED,
        flow_steps={"logs.group": FlowStep.UNDER},
        flow_kinds=(kind,),
        container="arn:{p}:logs:{r}:{a}:log-group:*",
        statements=("S19",),
        quote=quote,
        frameworks=security_hub.map_requirements(
            own={"NIST 800-53 r5": ("SC-28(1)", "AU-9(3)"), "PCI DSS 4.0.1": ("3.5.1",)}
        ),
        empty_reason=empty_reason,
        remediation=Remediation(summary=GROUP_SUMMARY, cli=GROUP_COMMAND, code=GROUP_CODE),
    )


def fix(resource: ResourceView) -> fixes.FixEffects:
    if resource.type == UNPLACED_GROUP:
        return (fixes.FixEffect(resource.type, resource.region, resource.arn, gone=True),)  # name a group instead
    return fixes.use_customer_key(resource, "kms_key")


KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
GROUPS = "arn:aws:logs:eu-west-1:111122223333:log-group:"


def make_unplaced_group_cases(kind: str) -> list[Case]:
    """What the kinds of data have in common whose groups are named by documents."""
    return [
        _make_unplaced_group_case("a group that only a run knows", Verdict.UNKNOWN, kind),
        _make_unplaced_group_case("another kind's unknown group", None, "script"),
    ]


def _make_unplaced_group_case(title: str, verdict: Verdict | None, kind: str) -> Case:
    kinds = {kind: ["inputs.CloudWatchLogGroupName: it holds {{G}}, which only a run resolves"]}
    arn = "arn:aws:ssm:eu-west-1:111122223333:document/book"
    return Case(title, verdict, {"kinds": kinds}, type=UNPLACED_GROUP, arn=arn)


def make_log_group_cases(
    kind: str, name: str, *, several: tuple[str, ...] = ("run_command", "script", "session"), other: str = "agent"
) -> list[Case]:
    """What every kind of data has in common. name: the group's. several: kinds that one group takes, this one among
    them. other: a kind that another control judges."""

    def case(title: str, verdict: Verdict | None, key: object, kinds: object = (kind,), **more: Any) -> Case:
        """more: state and found (of the key), refused (the keys), reason_has."""
        state = more.get("state")
        return Case(
            title,
            verdict,
            {"name": name, "kinds": list(kinds) if isinstance(kinds, tuple) else kinds, "kms_key": key},
            type="logs.group",
            related={
                "kms.reference": {KEY: {"state": state, **USABLE_KEY_FACTS, **more.get("found", {})}} if state else {}
            },
            related_gaps=("kms.reference",) if more.get("refused") else (),
            arn=f"{GROUPS}{name}",
            reason_has=more.get("reason_has", ""),
            context=more.get("context", {}),
        )

    return [
        case("a customer key", Verdict.PASS, KEY, state="Enabled"),
        case("a group of several kinds", Verdict.PASS, KEY, several, state="Enabled"),
        case("no key is no customer key", Verdict.FAIL, None, reason_has="no customer key"),
        case(
            "a key that signs", Verdict.FAIL, KEY, state="Enabled", found={"usage": "SIGN_VERIFY", "spec": "RSA_2048"}
        ),
        case("a key in another region", Verdict.FAIL, KEY.replace("eu-west-1", "us-west-2"), state="Enabled"),
        case("a key whose usage AWS left out", Verdict.UNKNOWN, KEY, state="Enabled", found={"usage": GAP}),
        case("a disabled key", Verdict.FAIL, KEY, state="Disabled"),
        case("a key outside the organization", Verdict.FAIL, STRANGERS_KEY, context=MEMBERS),
        case("another account's key, the members unknown", Verdict.UNKNOWN, STRANGERS_KEY),
        case("a key that is gone", Verdict.FAIL, KEY, state="NotFound"),
        case("a foreign key that may not be described", Verdict.UNKNOWN, KEY, state=GAP),
        case("the keys were refused", Verdict.UNKNOWN, KEY, refused=True),
        case("a key that was not looked up", Verdict.UNKNOWN, KEY),
        case("the groups were refused", Verdict.UNKNOWN, GAP, GAP),
        case("a group of other data", None, None, (other,)),
    ]
