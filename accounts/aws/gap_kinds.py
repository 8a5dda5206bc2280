"""Says why a read failed and what to do about it: the one place for reasons, pages, exports, doctor and API. Pure."""

from __future__ import annotations

import re
from enum import StrEnum


class GapKind(StrEnum):
    DENIED = "denied"
    DENIED_BY_SCP = "denied_by_scp"
    DENIED_BY_RCP = "denied_by_rcp"
    DENIED_BY_RESOURCE_POLICY = "denied_by_resource_policy"
    DENIED_BY_ENDPOINT_POLICY = "denied_by_endpoint_policy"
    DENIED_BY_BOUNDARY = "denied_by_boundary"
    DENIED_BY_SESSION_POLICY = "denied_by_session_policy"
    DENIED_BY_IDENTITY_POLICY = "denied_by_identity_policy"
    DENIED_BY_TRUST_POLICY = "denied_by_trust_policy"
    DENIED_OR_MISSING = "denied_or_missing"
    NO_SESSION = "no_session"
    BAD_CREDENTIALS = "bad_credentials"
    CLOCK = "clock"
    ACCOUNT_RESTRICTED = "account_restricted"
    NOT_SUBSCRIBED = "not_subscribed"
    SWITCHED_OFF = "switched_off"
    WRONG_REGION = "wrong_region"
    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    SERVER_ERROR = "server_error"
    MALFORMED = "malformed"
    NOT_OPTED_IN = "not_opted_in"
    UNSUPPORTED = "unsupported"
    NO_FIPS = "no_fips"
    REJECTED = "rejected"
    TOO_COSTLY = "too_costly"
    OUT_OF_TIME = "out_of_time"
    REPLACED = "replaced"
    INTERNAL = "internal"
    NOT_READ = "not_read"


# AWS knew the caller and refused the action.
DENIAL_KINDS = frozenset(kind for kind in GapKind if kind.startswith("denied"))

# These are part of reasons in findings and exports.
EXPLANATIONS = {
    GapKind.DENIED: "was denied",
    GapKind.DENIED_BY_SCP: "was denied by a service control policy",
    GapKind.DENIED_BY_RCP: "was denied by a resource control policy",
    GapKind.DENIED_BY_RESOURCE_POLICY: "was denied by the resource's own policy",
    GapKind.DENIED_BY_ENDPOINT_POLICY: "was denied by the policy of a VPC endpoint",
    GapKind.DENIED_BY_BOUNDARY: "was denied by the permissions boundary of the role",
    GapKind.DENIED_BY_SESSION_POLICY: "was denied by the session policy",
    GapKind.DENIED_BY_IDENTITY_POLICY: "was denied by an explicit deny in the role's own policies",
    GapKind.DENIED_BY_TRUST_POLICY: "was denied by the trust policy of the role",
    GapKind.DENIED_OR_MISSING: "was denied: the resource doesn't exist there, or its own policy doesn't allow this",
    GapKind.NO_SESSION: "gave no session of the role",
    GapKind.BAD_CREDENTIALS: "was refused, since AWS did not accept the credentials",
    GapKind.CLOCK: "was refused, since the clocks of AWS and of the portal differ",
    GapKind.ACCOUNT_RESTRICTED: "was refused, since AWS restricts the account",
    GapKind.NOT_SUBSCRIBED: "was refused, since the account is not signed up for the service",
    GapKind.SWITCHED_OFF: "was refused, since what it asks for is switched off",
    GapKind.WRONG_REGION: "reached another region than that of the resource",
    GapKind.THROTTLED: "was throttled until the retries ran out",
    GapKind.TIMEOUT: "timed out",
    GapKind.UNREACHABLE: "could not be reached",
    GapKind.SERVER_ERROR: "failed inside AWS",
    GapKind.MALFORMED: "gave an answer that could not be read",
    GapKind.NOT_OPTED_IN: "was refused because the region is not enabled for the account",
    GapKind.UNSUPPORTED: "is not offered in this region",
    GapKind.NO_FIPS: "was not asked, since AWS publishes no FIPS endpoint for it there",
    GapKind.REJECTED: "was rejected as a request",
    GapKind.TOO_COSTLY: "gave more than may be read of one resource",
    GapKind.OUT_OF_TIME: "was not read in the time that a scan may take",
    GapKind.REPLACED: "has characters or numbers that can't be stored, so they were replaced",
    GapKind.INTERNAL: "failed inside the portal",
    GapKind.NOT_READ: "was not read in this scan",
}

# The code of a gap for something that the scan of the evidence didn't read: the part that reads it is newer.
NOT_COLLECTED = "NotCollected"
# Codes of gaps in answers that could be kept only in part.
TEXT_REPLACED, TOO_DEEP = "TextReplaced", "TooDeep"
# Codes of gaps in stored evidence: it has the form of another version, or was deleted.
OTHER_SCHEMA, NOT_KEPT = "OtherSchema", "NotKept"
# Codes of gaps in another account's evidence: it could not be read, or the scan left it out.
OWNER_NOT_READ, ACCOUNTS_LIMITED = "OwnerNotRead", "AccountsLimited"
# Codes of gaps in what another account manages: AWS answers that account only, or it isn't in the organization.
OWNER_ONLY, OWNER_OUTSIDE = "OwnerOnly", "OwnerOutside"
# The code of a gap for something that another answer names and AWS didn't list.
NOT_LISTED = "NotListed"
# Code and API of the gap for a region that a policy of the organization denies as a whole.
REGION_DENIED, REGION_API = "RegionDenied", "scan.Region"
EXPLANATIONS_BY_CODE = {
    NOT_LISTED: "didn't list something that another answer names",
    OWNER_NOT_READ: "was not possible in this scan in the account that owns the resource",
    ACCOUNTS_LIMITED: "were limited, so the account that owns the resource was not read in this scan",
    OWNER_ONLY: "is answered to the account that owns the resource only",
    OWNER_OUTSIDE: "doesn't have the account that owns the resource, so it was not read",
    NOT_COLLECTED: "was not collected then, when this evidence was read",
    OTHER_SCHEMA: "is kept in a form that this version of the portal can't read",
    NOT_KEPT: "is no longer kept",
}
# What AWS's own codes say, without the suffix Exception, if the kind alone would say too little.
# EC2: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
# S3: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
# SSM: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetServiceSetting.html
EXPLANATIONS_BY_CODE |= {
    "Blocked": "was refused, since AWS has blocked the account",
    "PendingVerification": "was refused, since AWS has yet to verify the account",
    "AccountSuspended": "was refused, since AWS has suspended the account",
    "ExpiredToken": "was refused, since the credentials had expired",
    "TokenRefreshRequired": "was refused, since the credentials had expired",
    "RequestExpired": "was refused, since the request or its credentials had expired",
    "ServiceSettingNotFound": "is not provisioned by AWS in this region",
    "KMSInvalidState": "was refused, since the state of the key doesn't allow it",
    "400": "was refused without a reason",
}

SET_THE_CLOCK = "Set the clock of the portal's machine, best by NTP; then scan the account again."
EXPIRED = "Scan the account again; if it keeps failing, compare the clock of the portal's machine with the true time."
WHAT_TO_DO = {
    GapKind.DENIED: "Allow the action in the scan role; manage.py scan_role policy prints the whole policy. If it is"
    " allowed there, another policy denies it: of the organization, of the resource or of a VPC endpoint.",
    GapKind.DENIED_BY_SCP: "Ask the administrators of the organization to exempt the scan role in the service control"
    " policy that denies the action, or to allow the action there.",
    GapKind.DENIED_BY_RCP: "Ask the administrators of the organization that owns the resource to exempt the scan role in"
    " the resource control policy.",
    GapKind.DENIED_BY_RESOURCE_POLICY: "Ask the owner of the resource to let the scan role read it in the resource's own"
    " policy, such as a bucket policy or a key policy.",
    GapKind.DENIED_BY_ENDPOINT_POLICY: "Ask the owner of the VPC endpoint between the portal and AWS to allow the action in"
    " the endpoint's policy.",
    GapKind.DENIED_BY_BOUNDARY: "Ask the administrators of the account to allow the action in the permissions boundary of"
    " the scan role.",
    GapKind.DENIED_BY_SESSION_POLICY: "Report this: the portal writes the session policy itself, and it lacks an action.",
    GapKind.DENIED_BY_IDENTITY_POLICY: "Ask the administrators of the account to remove the Deny of this action from the"
    " policies of the scan role.",
    GapKind.DENIED_BY_TRUST_POLICY: "Correct the role's trust policy in that account: it must name the hub's role and this"
    " TUTELA_EXTERNAL_ID.",
    GapKind.DENIED_OR_MISSING: "Check that the resource still exists; if it does, ask its owner to let the scan role read it"
    " in the resource's own policy, such as a key policy.",
    GapKind.NO_SESSION: "Run manage.py doctor: it says why the role can't be assumed, and what to do.",
    GapKind.BAD_CREDENTIALS: "Scan the account again; if it keeps failing, check the clock of the portal's machine, and look"
    " for a proxy that changes requests.",
    GapKind.CLOCK: SET_THE_CLOCK,
    GapKind.ACCOUNT_RESTRICTED: "Contact AWS Support from that account; scan it again once AWS has lifted the restriction.",
    GapKind.NOT_SUBSCRIBED: "Complete the account's registration with AWS, or wait until AWS has activated the account;"
    " then scan it again. No action is needed if the account doesn't use the service.",
    GapKind.SWITCHED_OFF: "Switch it on in the account if it should be in use. Otherwise no action is needed.",
    GapKind.WRONG_REGION: "Scan the account again: the resource may have been made again in another region. If it keeps"
    " failing, check AWS_ENDPOINT_URL, the proxy and the VPC endpoints: every region must be reached by its own host.",
    GapKind.THROTTLED: "Scan the account again at a quieter time, or with a smaller TUTELA_THREADS.",
    GapKind.TIMEOUT: "Scan the account again; if it keeps failing, check the network between the portal and the region.",
    GapKind.UNREACHABLE: "Check the network, the proxy and the VPC endpoints between the portal and the region.",
    GapKind.SERVER_ERROR: "Scan the account again; if it keeps failing, see the AWS Health Dashboard.",
    GapKind.MALFORMED: "Scan the account again; if it keeps failing, look for a proxy that changes answers.",
    GapKind.NOT_OPTED_IN: "No action is needed unless the region is in use; then enable it for the account.",
    GapKind.UNSUPPORTED: "No action is needed: AWS doesn't offer it in this region.",
    GapKind.NO_FIPS: "Accept that it is unknown, or scan this account without FIPS endpoints (AWS_USE_FIPS_ENDPOINT).",
    GapKind.REJECTED: "Report this: the portal sent a request that AWS doesn't accept.",
    GapKind.TOO_COSTLY: "Check the resource: it is larger or deeper than AWS allows, or was made to block its readers.",
    GapKind.OUT_OF_TIME: "Scan the account again; if it keeps failing, raise TUTELA_COLLECTOR_MINUTES or TUTELA_ACCOUNT_MINUTES.",
    GapKind.REPLACED: "Correct the text in AWS: a \ufffd marks invalid Unicode or a NUL character.",
    GapKind.INTERNAL: "Report this with the log entry of the id in the code; then scan the account again.",
    GapKind.NOT_READ: "Scan the account again, with this control and region included.",
}
# Calls for which the general advice is wrong: S3 answers 403 for another account's bucket even if the role allows it.
# docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
WHAT_TO_DO_BY_CALL = {
    (GapKind.DENIED, "s3.HeadBucket"): "Scan the account that owns the bucket, too, or ask its owner to allow"
    " s3:ListBucket; if the bucket belongs to this account, allow the action in the scan role.",
    (GapKind.NOT_READ, "scan.Organization"): "Ask the account that owns the resource: it is not in the"
    " organization, so no scan reads it.",
    (GapKind.NOT_READ, "sts.AssumeRole"): "Make the account that owns the resource readable (its page shows why it"
    " isn't), then scan again.",
    (GapKind.DENIED_BY_SCP, REGION_API): "Exempt the scan role in the service control policy that denies the region, or"
    " disable the region in the account if nothing is there; an administrator of the organization can do both. Or ask"
    " for an exception.",
    (
        GapKind.DENIED_BY_BOUNDARY,
        REGION_API,
    ): "Allow the region in the permissions boundary of the scan role, or disable the"
    " region in the account if nothing is there. Or ask for an exception.",
    (
        GapKind.DENIED_BY_IDENTITY_POLICY,
        REGION_API,
    ): "Remove the Deny of the region from the policies of the scan role, or"
    " disable the region in the account if nothing is there. Or ask for an exception.",
    (GapKind.NOT_OPTED_IN, REGION_API): "Scan the account again once AWS has enabled the region, which may take hours.",
    (GapKind.NOT_READ, REGION_API): "Scan the account again, with every control.",
    (GapKind.NOT_READ, "scan.Accounts"): "Scan the account together with the one that owns the resource, or the whole"
    " organization.",
}
# By kind and AWS's code: the general advice of the kind would be wrong or too vague.
WHAT_TO_DO_BY_CODE = {
    (GapKind.BAD_CREDENTIALS, "ExpiredToken"): EXPIRED,
    (GapKind.BAD_CREDENTIALS, "TokenRefreshRequired"): EXPIRED,
    (GapKind.BAD_CREDENTIALS, "NoCredentials"): "Give the hub an instance or task role, or set AWS_ACCESS_KEY_ID and"
    " AWS_SECRET_ACCESS_KEY.",
    (GapKind.BAD_CREDENTIALS, "PartialCredentials"): "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    (GapKind.BAD_CREDENTIALS, "CredentialsRefused"): "Use an instance or task role, or set AWS_ACCESS_KEY_ID and"
    " AWS_SECRET_ACCESS_KEY.",
    (GapKind.BAD_CREDENTIALS, "Misconfigured"): "Correct AWS_PROFILE, the other AWS_* variables, or the files that they"
    " name.",
    (
        GapKind.BAD_CREDENTIALS,
        "AuthFailure",
    ): "Scan the account again; if it keeps failing, check the clock of the portal's"
    " machine, and whether the account may use the service.",
    (GapKind.CLOCK, "RequestExpired"): EXPIRED,
    (
        GapKind.ACCOUNT_RESTRICTED,
        "PendingVerification",
    ): "Wait until AWS has verified the account, or contact AWS Support from it; then scan it again.",
    (GapKind.NOT_READ, NOT_LISTED): "Scan the account again: it may have been deleted in the meantime. If it keeps"
    " failing, another account owns it, and only that account can show it.",
    (GapKind.UNSUPPORTED, "ServiceSettingNotFound"): "No action is needed: AWS has not provisioned the setting there.",
    (
        GapKind.REJECTED,
        "400",
    ): "Scan the account again; if it keeps failing, check the clock of the portal's machine and AWS_ENDPOINT_URL.",
    (
        GapKind.SWITCHED_OFF,
        "KMSInvalidState",
    ): "Check the key in AWS KMS: it is pending import or deletion, or its key store is disconnected.",
    (GapKind.SWITCHED_OFF, "AccountNotManagementOrDelegatedAdministrator"): "No action is needed: only the management"
    " account and delegated administrators may ask this.",
}


# What kinds of codes say of a rejected request: words that follow the API's name, and what to do. The first match counts.
# The request was fine in all of these, so there is nothing to report.
REJECTIONS = (
    (
        re.compile(r"NotFound|DoesNotExist|NoSuch|NotExist|^404$|^UnknownResource$"),
        "found nothing of that name or id",
        "Scan the account again: what it asked about may have been deleted in the meantime.",
    ),
    (
        re.compile(r"NextToken|PaginationToken|InvalidMarker|ExpiredIterator"),
        "was interrupted, since AWS no longer took the token of the next page",
        "Scan the account again, best at a quieter time.",
    ),
    (
        re.compile(r"Conflict$|RequestAborted|ConcurrentModification|OperationAborted"),
        "was interrupted by another request",
        "Scan the account again.",
    ),
    (
        re.compile(r"^(UnsupportedOperation|OperationNotPermitted|MethodNotAllowed|NotImplemented|405|501)$"),
        "is not supported by AWS for this resource or account, or in this region",
        "Accept that it is unknown: AWS doesn't support this call for the resource or account, or in this region.",
    ),
    (
        re.compile(r"^NoManagementAccountSLRExists$"),
        "was refused, since the management account has no service-linked role of CloudTrail",
        "Ask the administrators of the organization to register a delegated administrator of CloudTrail, which makes it.",
    ),
)


def find_rejection(kind: GapKind, code: str) -> tuple[str, str]:
    """What AWS's code says of a rejected request, and what to do; empty texts if it says nothing known."""
    found = next((row for row in REJECTIONS if kind is GapKind.REJECTED and row[0].search(strip_code(code))), None)
    return ("", "") if found is None else (found[1], found[2])


def strip_code(code: str) -> str:
    """AWS's code without the suffix that only some protocols have."""
    return code.removesuffix("Exception")


def explain_gap(kind: GapKind, code: str) -> str:
    """Words that follow the API's name."""
    if code == REGION_DENIED:
        return EXPLANATIONS[kind].replace("was denied", "was denied as a whole", 1)
    return EXPLANATIONS_BY_CODE.get(strip_code(code)) or find_rejection(kind, code)[0] or EXPLANATIONS[kind]


def what_to_do(kind: GapKind, api: str, code: str) -> str:
    """What removes the gap, and who can do it."""
    by_call = WHAT_TO_DO_BY_CALL.get((kind, api))
    by_code = WHAT_TO_DO_BY_CODE.get((kind, strip_code(code))) or find_rejection(kind, code)[1]
    return by_call or by_code or WHAT_TO_DO[kind]
