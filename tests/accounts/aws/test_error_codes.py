"""E: expired tokens, a wrong clock, restricted accounts and wrong regions are told apart, each with its own advice."""

from __future__ import annotations

import pytest

from accounts.aws.error_codes import KINDS_BY_CODES, classify_code
from accounts.aws.gap_kinds import GapKind, explain_gap, what_to_do

SKEWED = "Signature expired: 20150411T064107Z is now earlier than 20150411T064135Z (20150411T064635Z - 5 min.)"
EARLY = "Signature not yet current: 20300411T064107Z is still later than 20150411T064135Z"
S3_SKEWED = "The difference between the request time and the current time is too large."
PARSED = "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'"
WRONG = [
    ("ExpiredToken", "The provided token has expired.", 400, GapKind.BAD_CREDENTIALS),
    ("ExpiredTokenException", "The security token included in the request is expired", 403, GapKind.BAD_CREDENTIALS),
    ("TokenRefreshRequired", "", 400, GapKind.BAD_CREDENTIALS),
    ("InvalidToken", "The provided token is malformed or otherwise invalid.", 400, GapKind.BAD_CREDENTIALS),
    ("InvalidClientTokenId", "", 403, GapKind.BAD_CREDENTIALS),
    ("InvalidAccessKeyId", "", 403, GapKind.BAD_CREDENTIALS),
    ("AuthFailure", "AWS was not able to validate the provided access credentials", 401, GapKind.BAD_CREDENTIALS),
    ("MissingAuthenticationTokenException", "Missing Authentication Token", 403, GapKind.BAD_CREDENTIALS),
    ("IncompleteSignatureException", "", 400, GapKind.BAD_CREDENTIALS),
    ("SignatureDoesNotMatch", "The request signature we calculated does not match", 403, GapKind.BAD_CREDENTIALS),
    ("SignatureDoesNotMatch", SKEWED, 403, GapKind.CLOCK),
    ("InvalidSignatureException", EARLY, 400, GapKind.CLOCK),
    ("RequestTimeTooSkewed", S3_SKEWED, 403, GapKind.CLOCK),
    ("RequestInTheFuture", "", 400, GapKind.CLOCK),
    ("RequestExpired", "Request has expired.", 400, GapKind.CLOCK),
    ("Blocked", "Your account is currently blocked.", 400, GapKind.ACCOUNT_RESTRICTED),
    ("BlockedException", "Your account is currently blocked.", 403, GapKind.ACCOUNT_RESTRICTED),
    ("PendingVerification", "Your account is currently being verified.", 400, GapKind.ACCOUNT_RESTRICTED),
    ("AccountSuspendedException", "", 403, GapKind.ACCOUNT_RESTRICTED),
    ("AccountProblem", "", 403, GapKind.ACCOUNT_RESTRICTED),
    ("AllAccessDisabled", "", 403, GapKind.ACCOUNT_RESTRICTED),
    ("OptInRequired", "You are not subscribed to this service.", 401, GapKind.NOT_SUBSCRIBED),
    ("SubscriptionRequiredException", "", 403, GapKind.NOT_SUBSCRIBED),
    ("NotSignedUp", "Your account is not signed up", 403, GapKind.NOT_SUBSCRIBED),
    ("ServiceSettingNotFound", "The specified service setting wasn't found.", 400, GapKind.UNSUPPORTED),
    ("RegionDisabledException", "STS is not activated in this region", 403, GapKind.NOT_OPTED_IN),
    ("AccessDeniedException", "Your account has been suspended.", 400, GapKind.ACCOUNT_RESTRICTED),
    ("UnauthorizedOperation", "Your AWS account is currently suspended", 403, GapKind.ACCOUNT_RESTRICTED),
    ("KMSInternalException", "", 400, GapKind.SERVER_ERROR),
    ("DependencyTimeoutException", "", 400, GapKind.SERVER_ERROR),
    ("InternalServiceException", "", 400, GapKind.SERVER_ERROR),
    ("OrganizationNotFoundException", "", 400, GapKind.SWITCHED_OFF),
    ("PaginationTokenExpiredException", "", 400, GapKind.REJECTED),
    ("InvalidNextToken", "", 400, GapKind.REJECTED),
    ("ConflictException", "", 409, GapKind.REJECTED),
    ("OperationNotPermittedException", "", 400, GapKind.REJECTED),
    ("UnsupportedOperationException", "", 400, GapKind.REJECTED),
    ("MethodNotAllowed", "", 405, GapKind.REJECTED),
    ("NoManagementAccountSLRExistsException", "", 400, GapKind.REJECTED),
    ("InvalidVpcID.NotFound", "", 400, GapKind.REJECTED),
    ("AssociationDoesNotExist", "", 400, GapKind.REJECTED),
    ("NoSuchBucket", "", 404, GapKind.REJECTED),
    ("PermanentRedirect", "", 301, GapKind.WRONG_REGION),
    ("301", "", 301, GapKind.WRONG_REGION),
    ("TemporaryRedirect", "", 307, GapKind.WRONG_REGION),
    ("AuthorizationHeaderMalformed", PARSED, 400, GapKind.WRONG_REGION),
    ("IllegalLocationConstraintException", "", 400, GapKind.WRONG_REGION),
    ("DisabledException", "", 409, GapKind.SWITCHED_OFF),
    ("KMSInvalidStateException", "key is pending deletion.", 400, GapKind.SWITCHED_OFF),
    ("AWSOrganizationsNotInUseException", "", 400, GapKind.SWITCHED_OFF),
    ("AccountNotManagementOrDelegatedAdministratorException", "", 403, GapKind.SWITCHED_OFF),
]


@pytest.mark.parametrize(("code", "message", "status", "kind"), WRONG)
def test_code_has_its_own_kind_and_advice(code: str, message: str, status: int, kind: GapKind) -> None:
    assert classify_code(code, message, status, "eu-west-1") is kind
    advice = what_to_do(kind, "ssm.ListDocuments", code)
    assert "scan role" not in advice
    assert not advice.startswith("Report")
    assert explain_gap(kind, code)


def test_a_key_that_is_none_is_no_wrong_region() -> None:
    message = "The authorization header is malformed; a non-empty Access Key (AKID) must be provided in the credential."
    assert classify_code("AuthorizationHeaderMalformed", message, 400, "eu-west-1") is GapKind.BAD_CREDENTIALS


@pytest.mark.parametrize("code", ["OptInRequired", "SubscriptionRequiredException", "AuthFailure"])
def test_region_that_is_not_enabled_is_told_apart(code: str) -> None:
    assert classify_code(code, "", 403, "me-south-1") is GapKind.NOT_OPTED_IN


def test_advice_names_what_is_wrong() -> None:
    said = {code: f"{explain_gap(kind, code)} {what_to_do(kind, 'ec2.X', code)}" for code, _, _, kind in WRONG}
    assert "blocked the account" in said["Blocked"]
    assert "AWS Support" in said["BlockedException"]
    assert "verified the account" in said["PendingVerification"]
    assert "had expired" in said["ExpiredTokenException"]
    assert "NTP" in said["RequestTimeTooSkewed"]
    assert "not provisioned" in said["ServiceSettingNotFound"]
    assert "another region" in said["PermanentRedirect"]
    assert "registration" in said["OptInRequired"]
    assert "only the management account" in said["AccountNotManagementOrDelegatedAdministratorException"]


def test_no_code_has_two_kinds() -> None:
    every = [code for codes, _ in KINDS_BY_CODES for code in codes]
    assert sorted(every) == sorted(set(every))


@pytest.mark.parametrize(
    "message",
    [
        "User: arn:aws:iam::111122223333:user/account suspended is not authorized to perform: ssm:ListDocuments",
        "User: arn:aws:sts::111122223333:assumed-role/account-closed/s is not authorized",
        "You are not authorized to perform this operation.",
    ],
)
def test_name_in_a_denial_restricts_no_account(message: str) -> None:
    assert classify_code("AccessDeniedException", message, 400, "eu-west-1") is GapKind.DENIED


def test_ops_item_is_denied_like_any_other_resource() -> None:
    assert classify_code("OpsItemAccessDeniedException", "", 400, "eu-west-1") is GapKind.DENIED


def test_denial_without_a_policy_names_those_that_may_be_behind() -> None:
    advice = what_to_do(GapKind.DENIED, "ec2.DescribeVpcs", "UnauthorizedOperation")
    assert all(word in advice for word in ("scan role", "organization", "resource", "VPC endpoint"))


@pytest.mark.parametrize("code", ["ValidationException", "InvalidParameterValue", "InvalidFilterKey"])
def test_request_that_aws_does_not_take_is_reported(code: str) -> None:
    assert what_to_do(GapKind.REJECTED, "ssm.ListDocuments", code).startswith("Report this")
