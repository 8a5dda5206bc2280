"""The account's password policy must ask for long passwords that aren't used again.

The password policy is the only thing that limits what IAM users choose. Without one, AWS asks for eight characters
and lets a person take an old password again.

**What is judged.** `iam.GetAccountPasswordPolicy`, once per account. The policy fails if it asks for fewer than 14
characters, doesn't ask for upper case, lower case, digits and symbols, or lets any of the last 24 passwords be used
again. An account without a policy of its own has AWS's default, which fails.

**Not applicable** where no IAM user has a console password and the policy isn't strong: it limits nothing.

**Unknown** when the policy could not be read, or when it isn't strong and the credential report could not be read.

**Limits.** The policy limits new passwords only. Passwords that are older stay as they are until they are changed.
IAM Identity Center has its own password policy, which isn't judged.

**Source of the facts.** IAM API reference,
[PasswordPolicy](https://docs.aws.amazon.com/IAM/latest/APIReference/API_PasswordPolicy.html); IAM user guide,
[setting an account password policy](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html).
"""

from __future__ import annotations

from collections.abc import Iterator
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
)

LENGTH, REUSE = 14, 24
WORDS = {
    "RequireLowercaseCharacters": "lower case",
    "RequireUppercaseCharacters": "upper case",
    "RequireNumbers": "digits",
    "RequireSymbols": "symbols",
}

CONTROL = Control(
    id="SSM-ID-009",
    file="ssm_id_009",
    title="The password policy is strong",
    severity=Severity.MEDIUM,
    scope=ControlScope.GLOBAL,
    facts={"iam.password_policy": ("policy",)},
    related={"iam.user": ("password_enabled",)},
    container="arn:{p}:iam::{a}:password-policy",
    statements=("S3",),
    quote="protect AWS account credentials",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-7",
    frameworks=security_hub.map_requirements("IAM.7", "IAM.15", "IAM.16"),
    remediation=Remediation(
        summary="Set the password policy. It applies when a password is next changed. Better still, let people sign in "
        "through IAM Identity Center, and remove the passwords of IAM users.",
        cli=f"aws iam update-account-password-policy --minimum-password-length {LENGTH} --require-symbols "
        "--require-numbers --require-uppercase-characters --require-lowercase-characters "
        f"--allow-users-to-change-password --password-reuse-prevention {REUSE}",
        code='resource "aws_iam_account_password_policy" "strong" {\n'
        f"  minimum_password_length        = {LENGTH}\n  password_reuse_prevention      = {REUSE}\n"
        "  require_lowercase_characters   = true\n  require_uppercase_characters   = true\n"
        "  require_numbers                = true\n  require_symbols                = true\n"
        "  allow_users_to_change_password = true\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    policy = resource["policy"]
    problems = list(_list_problems(policy)) if policy is not None else ["the account has no password policy"]
    if not problems:
        return passed(f"The password policy asks for {policy['length']} characters of every kind, and for new ones.")
    if not any(user["password_enabled"] for user in resource.all("iam.user")):
        return not_applicable("No IAM user has a console password, so there is nothing for a password policy to limit.")
    return failed(f"The password policy is weak: {'; '.join(problems)}.")


def _list_problems(policy: dict[str, Any]) -> Iterator[str]:
    if policy["length"] < LENGTH:
        yield f"it asks for {policy['length']} characters, fewer than {LENGTH}"
    if missing := [WORDS.get(name, name) for name in policy["missing"]]:
        yield f"it doesn't ask for {', '.join(missing)}"
    if policy["reuse"] < REUSE:
        kept = f"the last {policy['reuse']} only" if policy["reuse"] else "none"
        yield f"of the passwords used before, it refuses {kept}"


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, policy={"length": LENGTH, "missing": [], "reuse": REUSE}),)


STRONG: dict[str, Any] = {"length": 14, "missing": [], "reuse": 24}
PEOPLE: dict[str, dict[str, Any]] = {
    "arn:aws:iam::111122223333:user/one": {"password_enabled": False},
    "arn:aws:iam::111122223333:user/two": {"password_enabled": True},
}


def _case(name: str, verdict: Verdict, policy: Any, users: Any = PEOPLE, **more: Any) -> Case:
    return Case(name, verdict, {"policy": policy}, region="global", related={"iam.user": users}, **more)


CASES = [
    _case("strong", Verdict.PASS, STRONG),
    _case("strong, and the users refused", Verdict.PASS, STRONG, {}, related_gaps=("iam.user",)),
    _case("none", Verdict.FAIL, None, reason_has="no password policy"),
    _case("short", Verdict.FAIL, STRONG | {"length": 13}, reason_has="13 characters"),
    _case("without digits", Verdict.FAIL, STRONG | {"missing": ["RequireNumbers"]}, reason_has="digits"),
    _case("old passwords again", Verdict.FAIL, STRONG | {"reuse": 0}, reason_has="refuses none"),
    _case("some old passwords again", Verdict.FAIL, STRONG | {"reuse": 5}, reason_has="the last 5 only"),
    _case("none, and no user has a password", Verdict.NOT_APPLICABLE, None, dict([*PEOPLE.items()][:1])),
    _case("none, and no users", Verdict.NOT_APPLICABLE, None, {}),
    _case("none, and the users refused", Verdict.UNKNOWN, None, {}, related_gaps=("iam.user",)),
    _case("the policy was refused", Verdict.UNKNOWN, GAP),
]
