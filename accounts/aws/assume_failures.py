"""Explains why the scan role could not be assumed, and what to do."""

from __future__ import annotations

from accounts.aws.calls import CallError
from accounts.aws.error_codes import EXPIRED_CODES
from accounts.aws.errors import MISCONFIGURED, AssumeError
from accounts.aws.gap_kinds import DENIAL_KINDS, SET_THE_CLOCK, GapKind, explain_gap, strip_code, what_to_do

CHECK_TRUST = (
    "Check in that account that the role exists, that its trust policy names the hub's role and this "
    "TUTELA_EXTERNAL_ID, and that the hub may call sts:AssumeRole on it. AWS returns the same error for all of these."
)
NO_CREDENTIALS_CODES = {"NoCredentials", "PartialCredentials", "CredentialsRefused"}
# Who can let the hub assume the role, by the policy that AWS names. The hub's own account and that of the role differ.
DENIERS = {
    GapKind.DENIED_BY_SCP: ("A service control policy", "Exempt the hub's role in that policy."),
    GapKind.DENIED_BY_RCP: ("A resource control policy", "Exempt the hub's role in that policy."),
    GapKind.DENIED_BY_ENDPOINT_POLICY: (
        "The policy of a VPC endpoint",
        "Allow sts:AssumeRole in the policy of the endpoint between the portal and AWS STS.",
    ),
    GapKind.DENIED_BY_BOUNDARY: (
        "The permissions boundary of the hub's role",
        "Allow sts:AssumeRole on the scan roles in that boundary.",
    ),
    GapKind.DENIED_BY_SESSION_POLICY: (
        "The session policy of the hub's credentials",
        "Allow sts:AssumeRole on the scan roles in the session policy with which the hub's credentials were made.",
    ),
    GapKind.DENIED_BY_IDENTITY_POLICY: (
        "An explicit deny in the hub's own policies",
        "Remove the Deny of sts:AssumeRole from the policies of the hub's role.",
    ),
}
OF_THE_ACCOUNT = frozenset({GapKind.ACCOUNT_RESTRICTED, GapKind.NOT_SUBSCRIBED})
CORRECT_CONFIGURATION = "Correct AWS_PROFILE, the other AWS_* variables, or the files that they name."


def describe_misconfiguration(said: str) -> str:
    return f"The hub's AWS configuration can't be used: {said.strip().rstrip('.')}."


def explain_refusal(error: CallError, arn: str, region: str) -> AssumeError:
    """The refusal with its remedy. AWS returns the same error for a wrong external id, a missing role and a closed account."""
    reason, todo = find_refusal_reason(error, arn, region)
    return AssumeError(reason, todo, error.code, error.gap.kind)


def find_refusal_reason(error: CallError, arn: str, region: str) -> tuple[str, str]:
    kind, code = error.gap.kind, error.code
    if code == "CredentialsRefused":
        return error.message, ""
    if code == MISCONFIGURED:
        return describe_misconfiguration(error.message), CORRECT_CONFIGURATION
    if code in NO_CREDENTIALS_CODES:
        return (
            "The hub has no AWS credentials.",
            "Give it an instance or task role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    if kind is GapKind.CLOCK:
        return f"AWS refused the hub's request, since its time is wrong ({code}).", SET_THE_CLOCK
    if strip_code(code) in EXPIRED_CODES:
        return "The hub's AWS credentials have expired.", "Renew them, then scan again."
    if kind is GapKind.BAD_CREDENTIALS:
        return (
            f"AWS doesn't accept the hub's credentials ({code}).",
            f"Check the credentials, and that they belong to the same partition as {arn}.",
        )
    if code == "RegionDisabledException":
        return f"AWS STS is not active in {region}.", "Activate it in the hub's account settings in IAM."
    if code == "PackedPolicyTooLarge":
        return (
            f"AWS packs the session policy for {arn} into more than it takes.",
            "Scan fewer controls at a time (--control), so that fewer actions are needed.",
        )
    if kind in {GapKind.DENIED, GapKind.ACCOUNT_RESTRICTED} and "suspend" in error.message.lower():
        return f"AWS refused {arn}: the account is suspended.", "Nothing can be read until the account is reactivated."
    if kind in OF_THE_ACCOUNT:
        return f"sts:AssumeRole on {arn} {explain_gap(kind, code)} ({code}).", what_to_do(kind, error.gap.api, code)
    if kind in DENIERS:
        policy, todo = DENIERS[kind]
        return f"{policy} denies sts:AssumeRole on {arn} ({code}).", todo
    if kind in DENIAL_KINDS:
        return f"AWS refused to let the hub assume {arn} ({code}).", CHECK_TRUST
    if kind is GapKind.THROTTLED:
        return "AWS throttled sts:AssumeRole until the retries ran out.", "Scan again later, or with fewer workers."
    if kind in {GapKind.TIMEOUT, GapKind.UNREACHABLE, GapKind.UNSUPPORTED}:
        return (
            f"AWS STS in {region} could not be reached ({code}).",
            "Check the network, the proxy and AWS_ENDPOINT_URL.",
        )
    said = f": {' '.join(error.message.split()).rstrip('.')}" if error.message else ""
    return f"sts:AssumeRole on {arn} failed ({code}{said}).", what_to_do(kind, error.gap.api, code)
