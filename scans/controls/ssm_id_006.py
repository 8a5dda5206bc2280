"""Users' passwords and access keys must be in use, and access keys no older than 90 days.

When an unused credential is stolen, its misuse goes unnoticed. A key that is never rotated stays valid in every
laptop, build log and backup that it was ever copied to.

**What is judged.** Each IAM user's row in the credential report (`iam.GetCredentialReport`), at the
time of the scan:

* an active access key whose `last_rotated` is more than 90 days ago fails;
* an active access key that was not used for 45 days fails (if it was never used, 45 days after its creation);
* a console password that was not used for 45 days fails (if it was never used, 45 days after it was set).

**Not applicable** for a user with neither a password nor an active key.

**Unknown** when the report could not be read, or lacks a time that is needed.

**Limits.** AWS keeps a report for up to four hours. It shows no use before October 2014.

**Source of the facts.** IAM user guide,
[credential reports](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html).
"""

from __future__ import annotations

from datetime import UTC, datetime
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

MAX_AGE = 90
MAX_IDLE = 45

CONTROL = Control(
    id="SSM-ID-006",
    file="ssm_id_006",
    title="Credentials are rotated and in use",
    severity=Severity.MEDIUM,
    scope=ControlScope.GLOBAL,
    facts={"iam.user": ("created", "password_enabled", "password_last_used", "password_last_changed", "keys")},
    container="arn:{p}:iam::{a}:user/*",
    statements=("S3",),
    quote="protect AWS account credentials",
    frameworks=security_hub.map_requirements("IAM.3", "IAM.8", "IAM.22"),
    empty_reason="The account has no IAM users.",
    remediation=Remediation(
        summary="Replace an old key: create the second one, move its callers, deactivate the first, and delete it if "
        "nothing fails. Remove a password or key that is not used; a role needs neither.",
        cli="aws iam list-access-keys --user-name {name}\n"
        "aws iam create-access-key --user-name {name}\n"
        "aws iam update-access-key --user-name {name} --access-key-id ACCESS_KEY_ID --status Inactive\n"
        "aws iam delete-access-key --user-name {name} --access-key-id ACCESS_KEY_ID\n"
        "aws iam delete-login-profile --user-name {name}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    now = _parse_report_time(resource.context.as_of)
    keys = [key for key in resource["keys"] if key["active"]]
    faults = [fault for number, key in enumerate(keys, 1) for fault in _list_key_problems(key, number, now)]
    if faults:  # enough to fail, even if the password's facts are unknown
        return failed("; ".join(faults) + ".")
    password = resource["password_enabled"]
    if not password and not keys:
        return not_applicable("The user has neither a password nor an active access key.")
    # Without its date, a key may be older than the limit.
    if any(key["last_rotated"] is None for key in keys):
        return unknown("The credential report does not say when an active access key was made.")
    if password:
        # A password that was never used has no time of use; then the time when it was set counts.
        used = resource["password_last_used"] or resource["password_last_changed"] or resource["created"]
        if used is None:
            return unknown("The credential report does not say when the password was set or used.")
        if (idle := _count_days_since(used, now)) >= MAX_IDLE:
            return failed(f"The console password has not been used for {idle} days.")
    return passed(f"No active key is older than {MAX_AGE} days, and no credential was idle for {MAX_IDLE} days.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Deactivate the keys that are old or idle, and remove an idle password."""
    now = _parse_report_time(resource.context.as_of)
    keys = [{**key, "active": key["active"] and not _list_key_problems(key, 1, now)} for key in resource["keys"]]
    used = resource["password_last_used"] or resource["password_last_changed"] or resource["created"]
    idle = used is not None and _count_days_since(used, now) >= MAX_IDLE
    return (fixes.set_facts(resource, keys=keys, password_enabled=resource["password_enabled"] and not idle),)


def _list_key_problems(key: dict[str, Any], number: int, now: datetime) -> list[str]:
    faults = []
    made, used = key["last_rotated"], key["last_used"] or key["last_rotated"]
    if made and (age := _count_days_since(made, now)) > MAX_AGE:
        faults.append(f"Active access key {number} is {age} days old")
    if used and (idle := _count_days_since(used, now)) >= MAX_IDLE:
        faults.append(f"Active access key {number} has not been used for {idle} days")
    return faults


def _parse_report_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _count_days_since(since: str, now: datetime) -> int:
    return (now - _parse_report_time(since)).days


NOW = {"as_of": "2026-06-30T12:00:00+00:00"}
RECENT, OLD = "2026-06-20T12:00:00Z", "2026-01-01T00:00:00+00:00"
DAYS_45, DAYS_44 = "2026-05-16T12:00:00+00:00", "2026-05-17T12:00:00+00:00"
DAYS_90, DAYS_91 = "2026-04-01T12:00:00+00:00", "2026-03-31T12:00:00+00:00"


def _case(name: str, verdict: Verdict, *keys: tuple[bool, Any, Any], **facts: Any) -> Case:
    listed = [{"active": active, "last_rotated": made, "last_used": used} for active, made, used in keys]
    base = {"created": OLD, "password_enabled": False, "password_last_used": None, "password_last_changed": None}
    return Case(name, verdict, {**base, "keys": listed, **facts}, region="global", context=NOW)


CASES = [
    _case("a young key in use", Verdict.PASS, (True, RECENT, RECENT)),
    _case("a key 90 days old", Verdict.PASS, (True, DAYS_90, RECENT)),
    _case("a key 91 days old", Verdict.FAIL, (True, DAYS_91, RECENT)),
    _case("a key idle for 45 days", Verdict.FAIL, (True, DAYS_90, DAYS_45)),
    _case("a key never used, made 44 days ago", Verdict.PASS, (True, DAYS_44, None)),
    _case("a key never used, made 45 days ago", Verdict.FAIL, (True, DAYS_45, None)),
    _case("an old inactive key beside a young one", Verdict.PASS, (False, OLD, OLD), (True, RECENT, RECENT)),
    _case("the second key is old", Verdict.FAIL, (True, RECENT, RECENT), (True, OLD, RECENT)),
    _case("a password in use", Verdict.PASS, password_enabled=True, password_last_used=DAYS_44),
    _case("an idle password", Verdict.FAIL, password_enabled=True, password_last_used=DAYS_45),
    _case("a new password, never used", Verdict.PASS, password_enabled=True, password_last_changed=RECENT),
    _case("an old password, never used", Verdict.FAIL, password_enabled=True, password_last_changed=OLD),
    _case(
        "a password used long ago and changed since",
        Verdict.FAIL,
        password_enabled=True,
        password_last_used=OLD,
        password_last_changed=RECENT,
    ),
    _case("neither password nor active key", Verdict.NOT_APPLICABLE, (False, OLD, OLD)),
    _case("a key without a date", Verdict.UNKNOWN, (True, None, None)),
    _case("the report was refused", Verdict.UNKNOWN, keys=GAP, password_enabled=GAP),
    _case("an old key, the rest was refused", Verdict.FAIL, (True, OLD, RECENT), password_enabled=GAP),
]
