"""Who may do what: credentials, trust, role, boundary and session policies, SCPs and RCPs, opt-in regions."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

from demo.cloud.membership import organization_of
from demo.cloud.policies import effect, trust
from demo.cloud.protocol import AwsError, Request, protocol
from demo.cloud.regions import is_enabled
from demo.cloud.state import default_document

PARTITION = "aws"
# Operations whose IAM action has another name (AWS's service authorization reference).
ACTIONS = {
    "s3.ListBuckets": "s3:ListAllMyBuckets",
    "s3.HeadBucket": "s3:ListBucket",
    "s3.ListObjectsV2": "s3:ListBucket",
    "s3.GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3.GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3.GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3control.GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
}
PREFIXES = {"resourcegroupstaggingapi": "tag", "s3control": "s3"}
GLOBAL = frozenset({"iam", "organizations", "account"})
FREE = frozenset({"sts.GetCallerIdentity"})
POLICY_LIMIT = 2048
INVALID_TOKEN = "The security token included in the request is invalid."
BY_SCP = "with an explicit deny in a service control policy"
BY_RCP = "with an explicit deny in a resource control policy"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom an access key stands for: a user, or a role that was assumed (role is its name)."""

    account: str
    arn: str
    role: str = ""
    role_arn: str = ""
    policy: str = ""
    expires: datetime | None = None


class Authority:
    """Decides on every request; reads moto's IAM and Organizations as they are now."""

    def __init__(self) -> None:
        self._sessions: dict[str, Caller] = {}
        self._users: dict[str, Caller] = {}

    def identify(self, request: Request) -> Caller:
        """Fill in the account and the caller, or raise what AWS says of credentials that it doesn't know."""
        caller = self._sessions.get(request.access_key) or self._user(request.access_key)
        if caller is None:
            raise unknown(request)
        request.account, request.caller = caller.account, caller.arn
        return caller

    def admit(self, request: Request, caller: Caller) -> None:
        """Raise the refusal that AWS would give, if any."""
        if caller.expires and caller.expires < datetime.now(UTC):
            code = "ExpiredToken" if protocol(request.service) != "json" else "ExpiredTokenException"
            raise AwsError(code, "The security token included in the request is expired", 403)
        refuse_disabled_region(request)
        if request.api not in FREE and (why := judge(request, caller)):
            raise denied(request, why)

    def _user(self, key: str) -> Caller | None:
        known = self._users.get(key)
        if known and key in iam_backends[known.account][PARTITION].access_keys:
            return known
        for account, partitions in list(iam_backends.items()):
            for backend in list(partitions.values()):
                if key in backend.access_keys:
                    name = backend.access_keys[key].user_name
                    self._users[key] = Caller(account, f"arn:{PARTITION}:iam::{account}:user/{name}")
                    return self._users[key]
        return None

    def assume(self, request: Request, caller: Caller) -> dict[str, Any]:
        """sts:AssumeRole, by the role's trust policy. AWS answers the same for all that is missing."""
        asked = request.params
        arn = str(asked.get("RoleArn", ""))
        account, _, path = arn.partition("::")[2].partition(":role/")
        role = trusted_role(account, path, caller, asked)
        if role is None:
            message = f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            raise AwsError("AccessDenied", message, 403)
        name, seconds = str(asked.get("RoleSessionName", "")), int(asked.get("DurationSeconds", 3600))
        expires = datetime.now(UTC) + timedelta(seconds=seconds)
        session_arn = f"arn:{PARTITION}:sts::{account}:assumed-role/{role.name}/{name}"
        key = "ASIA" + secrets.token_hex(8).upper()
        self._sessions[key] = Caller(account, session_arn, role.name, role.arn, session_policy(asked), expires)
        return {
            "Credentials": {
                "AccessKeyId": key,
                "SecretAccessKey": secrets.token_urlsafe(30),
                "SessionToken": secrets.token_urlsafe(60),
                "Expiration": expires,
            },
            "AssumedRoleUser": {"AssumedRoleId": f"{role.id}:{name}", "Arn": session_arn},
        }


def unknown(request: Request) -> AwsError:
    """What each protocol says of an access key that is nobody's."""
    if request.service == "s3":
        message = "The AWS Access Key Id you provided does not exist in our records."
        return AwsError("InvalidAccessKeyId", message, 403)
    if protocol(request.service) == "ec2":
        message = "AWS was not able to validate the provided access credentials"
        return AwsError("AuthFailure", message, 401)
    if protocol(request.service) == "query":
        return AwsError("InvalidClientTokenId", INVALID_TOKEN, 403)
    return AwsError("UnrecognizedClientException", INVALID_TOKEN, 400 if protocol(request.service) == "json" else 403)


def refuse_disabled_region(request: Request) -> None:
    """In a region that the account didn't enable, AWS doesn't know its credentials."""
    if request.service in GLOBAL or is_enabled(request.account, request.region):
        return
    if request.service == "sts":
        message = f"STS is not activated in this region for account:{request.account}."
        raise AwsError("RegionDisabledException", message, 403)
    if request.service in {"s3", "s3control"}:
        message = f"The {request.region} location constraint is incompatible for the region specific endpoint."
        raise AwsError("IllegalLocationConstraintException", message, 400)
    raise unknown(request)


def judge(request: Request, caller: Caller) -> str:
    """Why not ("" if allowed): a policy of the organization, the role's policies, its boundary or the session policy."""
    action, resource = action_of(request), resource_of(request)
    context = {
        "aws:requestedregion": request.region,
        "aws:principalarn": caller.role_arn or caller.arn,
        "aws:principalaccount": caller.account,
        "aws:securetransport": "true",
    }
    membership = organization_of(caller.account)
    # Service control policies never bind the management account.
    scps = membership.control_policies if membership and not membership.is_management else ()
    if any(effect(text, action, resource, context) == "Deny" for text in scps):
        return BY_SCP
    if any(effect(text, action, resource, context) == "Deny" for text in resource_policies(request)):
        return BY_RCP
    if not caller.role:
        return ""
    effects = {effect(text, action, resource, context) for text in role_documents(caller.account, caller.role)}
    if "Deny" in effects:
        return "with an explicit deny in an identity-based policy"
    if "Allow" not in effects:
        return f"because no identity-based policy allows the {action} action"
    edge = boundary_of(caller.account, caller.role)
    if edge and (found := effect(edge, action, resource, context)) != "Allow":
        kind = "a permissions boundary"
        return (
            f"with an explicit deny in {kind}"
            if found
            else f"because no permissions boundary allows the {action} action"
        )
    if caller.policy and effect(caller.policy, action, resource, context) != "Allow":
        return f"because no session policy allows the {action} action"
    return ""


def resource_policies(request: Request) -> list[str]:
    """The resource control policies that bind the bucket that is asked about, for every caller. Never the management account's.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html"""
    found = anywhere(request.bucket) if request.service == "s3" and request.bucket else None
    membership = organization_of(found[0]) if found else None
    return membership.resource_policies if membership and not membership.is_management else []


def anywhere(name: str) -> tuple[str, Any] | None:
    """(owner, bucket) in any account: names are unique in all of AWS."""
    for account, partitions in list(s3_backends.items()):
        for backend in list(partitions.values()):
            if name in backend.buckets:
                return str(account), backend.buckets[name]
    return None


def trusted_role(account: str, path: str, caller: Caller, asked: dict[str, Any]) -> Any | None:
    """The role, if its account is open and its trust policy admits the caller; else None."""
    membership = organization_of(account)
    if membership is None and account not in iam_backends:
        return None
    if membership is not None and membership.account.status != "ACTIVE":
        return None
    found = role_named(account, path.rpartition("/")[2])
    if found is None or found.arn.partition(":role/")[2] != path:
        return None
    context = {"aws:principalarn": caller.role_arn or caller.arn, "aws:principalaccount": caller.account}
    if "ExternalId" in asked:
        context["sts:externalid"] = str(asked["ExternalId"])
    home = organization_of(caller.account)
    if home is not None:
        context["aws:principalorgid"] = home.id
    principals = {caller.arn, caller.role_arn, caller.account, f"arn:{PARTITION}:iam::{caller.account}:root"}
    return found if trust(text_of(found.assume_role_policy_document), principals, context) == "Allow" else None


def session_policy(asked: dict[str, Any]) -> str:
    policy = str(asked.get("Policy") or "")
    if "PolicyArns.member.1.arn" in asked:
        raise AwsError("ValidationError", "PolicyArns is not understood by this make-believe AWS; pass Policy")
    if len(policy) > POLICY_LIMIT:
        message = "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to 2048"
        raise AwsError("ValidationError", message)
    try:
        json.loads(policy or "{}")
    except ValueError as error:
        raise AwsError("MalformedPolicyDocument", "This policy contains invalid Json") from error
    return policy


def action_of(request: Request) -> str:
    return ACTIONS.get(request.api) or f"{PREFIXES.get(request.service, request.service)}:{request.operation}"


def resource_of(request: Request) -> str:
    """The resource where a request names one that policies speak of, else "*"."""
    if request.api == "sts.AssumeRole":
        return str(request.params.get("RoleArn", "*"))
    if request.service == "s3" and request.bucket:
        return f"arn:{PARTITION}:s3:::{request.bucket}"
    return "*"


def denied(request: Request, why: str) -> AwsError:
    """A refusal with the code, the status and the sentence that the request's protocol uses."""
    kind, action = protocol(request.service), action_of(request)
    message = f"User: {request.caller} is not authorized to perform: {action} on resource: {resource_of(request)} {why}"
    if kind == "ec2":
        return AwsError("UnauthorizedOperation", f"You are not authorized to perform this operation. {message}", 403)
    if kind in {"query", "rest-xml"}:
        return AwsError("AccessDenied", message, 403)
    return AwsError("AccessDeniedException", message, 400 if kind == "json" else 403)


def role_named(account: str, name: str) -> Any | None:
    return next((role for role in iam_backends[account][PARTITION].roles.values() if role.name == name), None)


def role_documents(account: str, name: str) -> list[str]:
    role = role_named(account, name)
    if role is None:
        return []
    return [
        text_of(d) for d in (*role.policies.values(), *(default_document(p) for p in role.managed_policies.values()))
    ]


def boundary_of(account: str, name: str) -> str:
    """The document of a role's permissions boundary; "" if it has none."""
    arn = getattr(role_named(account, name), "permissions_boundary_arn", None)
    return text_of(default_document(iam_backends[account][PARTITION].managed_policies[arn])) if arn else ""


def text_of(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)
