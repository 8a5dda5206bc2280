"""Sorts AWS's error codes by what they mean. Services use different codes for the same failure."""

from __future__ import annotations

import re

from accounts.aws.denials import find_denial_kind
from accounts.aws.endpoints import is_opt_in, partition_for
from accounts.aws.gap_kinds import GapKind, strip_code

# All codes are without the suffix Exception, which only some protocols have.
DENIED_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedFault",
        "AccessDeniedForDependency",
        "AuthorizationError",
        "Forbidden",
        "NotAuthorized",
        "OpsItemAccessDenied",
        "UnauthorizedAccess",
        "UnauthorizedOperation",
        "Unauthorized",
        "403",
    }
)
THROTTLED_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2Throttled",
        "LimitExceeded",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttled",
        "Throttling",
        "TooManyRequests",
        "TransactionInProgress",
        "429",
    }
)
TIMEOUT_CODES = frozenset({"RequestTimeout", "408"})
# The request's time is more than 5 or 15 minutes off. EC2 says RequestExpired of expired credentials, too.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonErrors.html
CLOCK_CODES = frozenset({"RequestTimeTooSkewed", "RequestInTheFuture", "RequestExpired"})
# Signatures carry the time, so a wrong clock is also a wrong signature; then the message tells.
CLOCK_MESSAGE = re.compile(
    r"signature (?:has )?expired|(?:signature|credential|token)s? (?:is |are )?not yet (?:current|valid)"
    r"|is now (?:earlier|later) than|difference between the request time|too (?:much )?skew|clock",
    re.IGNORECASE,
)
EXPIRED_CODES = frozenset({"ExpiredToken", "TokenRefreshRequired"})
INVALID_CODES = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "InvalidSignature",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingSecurityHeader",
        "SignatureDoesNotMatch",
        "UnrecognizedClient",
    }
)
# In a region that must be enabled first, AWS rejects the account's credentials until it is enabled.
UNKNOWN_CREDENTIALS_CODES = frozenset(
    {"AuthFailure", "InvalidClientTokenId", "UnrecognizedClient", "InvalidAccessKeyId", "InvalidToken"}
)
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_Errors
DISABLED_REGION_CODES = frozenset({"RegionDisabled"})
SUBSCRIPTION_CODES = frozenset({"NotSignedUp", "OptInRequired", "SubscriptionRequired", "AccountNotSubscribed"})
ACCOUNT_CODES = frozenset(
    {
        "AccountDisabled",
        "AccountIsClosed",
        "AccountProblem",
        "AccountSuspended",
        "AllAccessDisabled",
        "Blocked",
        "InactiveAccount",
        "PendingVerification",
        "UserSuspended",
    }
)
# Some services say it in the words of a denial.
RESTRICTED_MESSAGE = re.compile(
    r"account\b[^.]{0,40}\b(suspended|deactivated|closed|blocked)|account verification|verify your account",
    re.IGNORECASE,
)
SWITCHED_OFF_CODES = frozenset(
    {
        "AWSOrganizationsNotInUse",
        "AccountNotManagementOrDelegatedAdministrator",
        "Disabled",
        "FeatureNotEnabled",
        "KMSInvalidState",
        "NotEnabled",
        "OptedOut",
        "OrganizationNotFound",
        "OrganizationNotInAllFeaturesMode",
        "OrganizationsNotInUse",
        "ServiceAccessNotEnabled",
        "ServiceDisabled",
        "ServiceNotEnabled",
    }
)
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
WRONG_REGION_CODES = frozenset(
    {
        "301",
        "307",
        "308",
        "IllegalLocationConstraint",
        "IncorrectEndpoint",
        "PermanentRedirect",
        "Redirect",
        "TemporaryRedirect",
    }
)
# Has two causes: the region in the signature, or no valid access key.
MALFORMED_HEADER, REGION_IN_HEADER = "AuthorizationHeaderMalformed", re.compile(r"\bregion\b", re.IGNORECASE)
UNSUPPORTED_CODES = frozenset({"UnknownEndpoint", "UnknownOperation", "InvalidAction", "ServiceSettingNotFound"})
SERVER_ERROR_CODES = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServer",
        "InternalServiceError",
        "InternalService",
        "KMSInternal",
        "DependencyTimeout",
        "ServerInternal",
        "ServiceFailure",
        "ServiceUnavailable",
        "Service",
        "Unavailable",
    }
)
# The first match decides. The codes come before the status: services throttle with 400, 429 and 503.
KINDS_BY_CODES = (
    (THROTTLED_CODES, GapKind.THROTTLED),
    (CLOCK_CODES, GapKind.CLOCK),
    (TIMEOUT_CODES, GapKind.TIMEOUT),
    (DISABLED_REGION_CODES, GapKind.NOT_OPTED_IN),
    (SUBSCRIPTION_CODES, GapKind.NOT_SUBSCRIBED),
    (UNSUPPORTED_CODES, GapKind.UNSUPPORTED),
    (WRONG_REGION_CODES, GapKind.WRONG_REGION),
    (ACCOUNT_CODES, GapKind.ACCOUNT_RESTRICTED),
    (SWITCHED_OFF_CODES, GapKind.SWITCHED_OFF),
    (EXPIRED_CODES | INVALID_CODES, GapKind.BAD_CREDENTIALS),
)
# In a region that must be enabled first, these mean that it isn't.
OFF_IN_OPT_IN_REGION = UNKNOWN_CREDENTIALS_CODES | SUBSCRIPTION_CODES


def classify_code(code: str, message: str, status: int, region: str) -> GapKind:
    """The kind of an error that AWS answered with. region: the real one, never "global"."""
    name = strip_code(code)
    if name in INVALID_CODES and CLOCK_MESSAGE.search(message):
        return GapKind.CLOCK
    if name in OFF_IN_OPT_IN_REGION and is_opt_in(partition_for(region), region):
        return GapKind.NOT_OPTED_IN
    if name == MALFORMED_HEADER:
        return GapKind.WRONG_REGION if REGION_IN_HEADER.search(message) else GapKind.BAD_CREDENTIALS
    if status == 429:
        return GapKind.THROTTLED
    for codes, kind in KINDS_BY_CODES:
        if name in codes:
            return kind
    if name in DENIED_CODES or status in {401, 403}:
        found = find_denial_kind(message)
        # A message with an ARN is about a policy, and names may hold any words.
        restricted = found is GapKind.DENIED and "arn:" not in message and RESTRICTED_MESSAGE.search(message)
        return GapKind.ACCOUNT_RESTRICTED if restricted else found
    if status >= 500 or name in SERVER_ERROR_CODES:
        return GapKind.SERVER_ERROR
    return GapKind.REJECTED
