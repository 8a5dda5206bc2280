"""A person's access key must not be left over from the day when the user was made.

The console used to offer an access key with each new user. Many were never used: a person who needs none has one
anyway, in a downloaded file.

**What is judged.** Each IAM user's row in the credential report (`iam.GetCredentialReport`). A user with a console
password fails if an active access key was made within ten minutes of the user, or was never used.

**Not applicable** for a user without a console password (a program's user needs its key from the first day), and for
one without an active access key.

**Unknown** when the report could not be read, or doesn't say when the user or a key was made.

**Limits.** AWS keeps a report for up to four hours. It shows no use before April 2015; a key that was used last before
that counts as never used.

**Source of the facts.** IAM user guide,
[credential reports](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from scans.controls.lib import fixes, security_hub
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

SET_UP = timedelta(minutes=10)

CONTROL = Control(
    id="SSM-ID-008",
    file="ssm_id_008",
    title="No access key is left over from a user's set-up",
    severity=Severity.LOW,
    scope=ControlScope.GLOBAL,
    facts={"iam.user": ("created", "password_enabled", "keys")},
    container="arn:{p}:iam::{a}:user/*",
    statements=("S3",),
    quote="protect AWS account credentials",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html",
    frameworks=security_hub.map_requirements(own={"CIS v3.0": ("1.11",), "CIS v5.0": ("1.10",)}),
    empty_reason="The account has no IAM users.",
    remediation=Remediation(
        summary="Deactivate the key and delete it if nothing fails. A person who needs the command line gets short-term "
        "credentials through IAM Identity Center; otherwise let the person make a key when it is needed.",
        cli="aws iam list-access-keys --user-name {name}\n"
        "aws iam update-access-key --user-name {name} --access-key-id ACCESS_KEY_ID --status Inactive\n"
        "aws iam delete-access-key --user-name {name} --access-key-id ACCESS_KEY_ID",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    keys = [key for key in resource["keys"] if key["active"]]
    if not keys:
        return not_applicable("The user has no active access key.")
    if not resource["password_enabled"]:
        return not_applicable("The user has no console password: it is a program's.")
    if any(key["last_used"] is None for key in keys):
        return failed("The user has a console password and an active access key that was never used.")
    created = resource["created"]
    if created is None or any(key["last_rotated"] is None for key in keys):
        return unknown("The credential report does not say when the user or an active access key was made.")
    if any(_is_from_set_up(key, created) for key in keys):
        return failed("The user has a console password and an active access key that was made with the user.")
    return passed("Each active access key was made later than the user, and is in use.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Deactivate the keys. What needs one gets a new one."""
    return (fixes.set_facts(resource, keys=[{**key, "active": False} for key in resource["keys"]]),)


def _is_from_set_up(key: dict[str, Any], created: str) -> bool:
    return abs(_parse_report_instant(key["last_rotated"]) - _parse_report_instant(created)) <= SET_UP


def _parse_report_instant(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


MADE, MINUTES_10, LATER = "2026-01-01T09:00:00+00:00", "2026-01-01T09:10:00Z", "2026-01-01T09:10:01+00:00"


def _case(name: str, verdict: Verdict, made: Any = MADE, used: Any = LATER, **facts: Any) -> Case:
    keys = [{"active": True, "last_rotated": made, "last_used": used}]
    return Case(name, verdict, {"created": MADE, "password_enabled": True, "keys": keys, **facts}, region="global")


CASES = [
    _case("made later and used", Verdict.PASS, LATER),
    _case("made with the user", Verdict.FAIL),
    _case("made ten minutes after the user", Verdict.FAIL, MINUTES_10),
    _case("made later, never used", Verdict.FAIL, LATER, None),
    _case("a program's key", Verdict.NOT_APPLICABLE, password_enabled=False),
    _case("no key", Verdict.NOT_APPLICABLE, keys=[]),
    _case("deactivated", Verdict.NOT_APPLICABLE, keys=[{"active": False, "last_rotated": MADE, "last_used": None}]),
    _case("a key without a date", Verdict.UNKNOWN, None),
    _case("a user without a date", Verdict.UNKNOWN, LATER, created=None),
    _case("the report was refused", Verdict.UNKNOWN, keys=GAP),
    _case("the password was not read", Verdict.UNKNOWN, password_enabled=GAP),
]
