"""People must have their own users, and neither root nor a shared user may be used for work.

Root can do everything, and no policy of the account limits it. What root or a shared user did can't be attributed
to a person: the trail names the user only.

**What is judged.** The credential report (`iam.GetCredentialReport`), at the time of the scan:

* the root user fails if its password or one of its access keys was used less than 90 days ago;
* an IAM user fails if its name looks shared (one of its words is admin, administrator, shared, team, root or
  test) and it has two active access keys, which suggests that several people or machines share the user.

**Not applicable** for a user with neither a password nor an active key, and for root where its credentials
were removed centrally: the report shows none, and the organization manages those of its members
(`iam.ListOrganizationsFeatures`, called in the management account). Elsewhere root is judged by its use. Nor is it
applicable for root in the China regions, which have no root user's credentials.

**Unknown** when the report could not be read, or shows no root credentials and the organization's features
could not be read in this scan.

**Limits.** That a user is shared is likely, not certain: only its name suggests it. AWS keeps a report
for up to four hours. Tasks that only root can do (such as closing an account) count as use.

**Source of the facts.** IAM user guide,
[credential reports](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html),
[root user best practices](https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html) and
[centrally manage root access for member accounts](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user.html#id_root-user-access-management);
IAM API reference,
[ListOrganizationsFeatures](https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListOrganizationsFeatures.html);
[AWS in China, IAM](https://docs.amazonaws.cn/en_us/aws/latest/userguide/iam.html).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.judgements import NO_ROOT_SIGN_IN, root_is_managed
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
)

QUIET_DAYS = 90
SHARED = frozenset({"admin", "administrator", "shared", "team", "root", "test"})
# Words of a name, in camelCase too: TeamDeploy, teamDeploy and team-deploy all contain team.
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

CONTROL = Control(
    id="SSM-ID-005",
    file="ssm_id_005",
    title="People are individual, and root is not used",
    severity=Severity.HIGH,
    scope=ControlScope.GLOBAL,
    # 2: missing credentials count only where the organization manages them. 3: as this scan read it. 4: not applicable
    # for root in China, which has none.
    version=4,
    needs_organization=True,
    facts={
        "iam.root": ("password_last_used", "keys_last_used", "credentials_present"),
        "iam.user": ("name", "password_enabled", "keys"),
    },
    container="arn:{p}:iam::{a}:user/*",
    statements=("S4",),
    quote="set up individual user accounts with AWS Identity and Access Management (IAM)",
    frameworks=security_hub.map_requirements(own={"CIS v3.0": ("1.7", "1.21"), "CIS v5.0": ("1.6", "1.20")}),
    remediation=Remediation(
        summary="Give each person a user in IAM Identity Center; use root only for tasks that require it. "
        "Give each machine a role. Then remove the shared user's credentials.",
        cli="aws iam list-access-keys --user-name {name}\n"
        "aws iam update-access-key --user-name {name} --access-key-id ACCESS_KEY_ID --status Inactive\n"
        "aws iam delete-login-profile --user-name {name}",
        code='resource "aws_ssoadmin_account_assignment" "person" {\n'
        "  instance_arn       = INSTANCE_ARN\n  permission_set_arn = PERMISSION_SET_ARN\n"
        '  principal_id       = PERSON_ID\n  principal_type     = "USER"\n'
        '  target_id          = "{account}"\n  target_type        = "AWS_ACCOUNT"\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    return _judge_root_user(resource) if resource.type == "iam.root" else _judge_iam_user(resource)


def _judge_root_user(resource: ResourceView) -> Outcome:
    if resource.context.partition == "aws-cn":
        return not_applicable(NO_ROOT_SIGN_IN["aws-cn"])
    if not resource["credentials_present"] and root_is_managed(resource):
        return not_applicable("The root user has no credentials: they were removed centrally.")
    used = [time for time in (resource["password_last_used"], resource["keys_last_used"]) if time]
    days = min((_count_days_between(time, resource.context.as_of) for time in used), default=None)
    if days is not None and days < QUIET_DAYS:
        return failed(f"The root user was used {days} days ago.")
    return passed(f"The root user was not used for {QUIET_DAYS} days.")


def _judge_iam_user(resource: ResourceView) -> Outcome:
    active = sum(1 for key in resource["keys"] if key["active"])
    words = {word.lower() for word in WORDS.findall(resource["name"])} & SHARED
    if words and active > 1:
        return failed(f"The user looks shared: its name says {', '.join(sorted(words))}, and it has two active keys.")
    if not active and not resource["password_enabled"]:
        return not_applicable("The user has neither a password nor an active access key.")
    return passed("Nothing says that several people share this user.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Deactivate all but one key of a shared user. Past use of root can't be undone."""
    if resource.type == "iam.root":
        return ()
    kept = next(n for n, key in enumerate(resource["keys"]) if key["active"])
    keys = [{**key, "active": key["active"] and n == kept} for n, key in enumerate(resource["keys"])]
    return (fixes.set_facts(resource, keys=keys),)


def _count_days_between(since: str, until: str) -> int:
    return (_parse_utc_time(until) - _parse_utc_time(since)).days


def _parse_utc_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


NOW = {"as_of": "2026-06-30T12:00:00+00:00"}
DAYS_89, DAYS_90 = "2026-04-02T12:00:00+00:00", "2026-04-01T12:00:00+00:00"
LAST_READ = {"management_account": "999900001111", "not_read": {"999900001111": "2026-03-01T12:00:00+00:00"}}
KEY: dict[str, Any] = {"active": True, "last_rotated": DAYS_89, "last_used": DAYS_89}


def _root_case(
    name: str,
    verdict: Verdict,
    password: Any = None,
    keys: Any = None,
    *,
    present: Any = True,
    managed: Any = None,
    **more: Any,
) -> Case:
    facts = {"password_last_used": password, "keys_last_used": keys, "credentials_present": present}
    return Case(
        name, verdict, facts, type="iam.root", region="global", context={**NOW, "root_managed": managed, **more}
    )


def _case(name: str, verdict: Verdict, user: Any, *, keys: Any = 0, inactive: int = 0, password: Any = False) -> Case:
    listed = [KEY] * keys + [KEY | {"active": False}] * inactive if isinstance(keys, int) else keys
    facts = {"name": user, "password_enabled": password, "keys": listed}
    return Case(name, verdict, facts, type="iam.user", region="global", context=NOW)


CASES = [
    _root_case("root was never used", Verdict.PASS),
    _root_case("root was used 90 days ago", Verdict.PASS, DAYS_90, DAYS_90),
    _root_case("root's password was used 89 days ago", Verdict.FAIL, DAYS_89),
    _root_case("root's key was used, its password long ago", Verdict.FAIL, DAYS_90, DAYS_89),
    _root_case("root's were removed centrally", Verdict.NOT_APPLICABLE, DAYS_89, present=False, managed=True),
    _root_case("root has none now, but had 89 days ago", Verdict.FAIL, DAYS_89, present=False, managed=False),
    _root_case("root has none, nor had lately", Verdict.PASS, DAYS_90, present=False, managed=False),
    _root_case("root has none, and who manages them isn't known", Verdict.UNKNOWN, DAYS_90, present=False),
    _root_case("removed centrally when that was last read", Verdict.UNKNOWN, present=False, managed=True, **LAST_READ),
    _root_case("root in China, which has none", Verdict.NOT_APPLICABLE, GAP, GAP, present=GAP, partition="aws-cn"),
    _root_case("root's key was used in GovCloud", Verdict.FAIL, None, DAYS_89, partition="aws-us-gov"),
    _root_case("the report was refused", Verdict.UNKNOWN, GAP, GAP, present=GAP),
    _root_case("one time could not be read", Verdict.UNKNOWN, GAP, DAYS_90),
    _case("a person with a key", Verdict.PASS, "jane", keys=1),
    _case("a person with two keys", Verdict.PASS, "jane", keys=2, password=True),
    _case("a shared-looking name with one key", Verdict.PASS, "test-runner", keys=1),
    _case("a shared-looking name with one active key of two", Verdict.PASS, "team", keys=1, inactive=1),
    _case("two active keys and a shared-looking name", Verdict.FAIL, "deploy-team", keys=2),
    _case("the same in another spelling", Verdict.FAIL, "DBAdmin", keys=2),
    _case("a name that only contains such letters", Verdict.PASS, "latest-contestant", keys=2),
    _case("neither password nor key", Verdict.NOT_APPLICABLE, "admin", inactive=2),
    _case("the keys could not be read", Verdict.UNKNOWN, "admin", keys=GAP),
    _case("the name could not be read", Verdict.UNKNOWN, GAP, keys=2),
]
