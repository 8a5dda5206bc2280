from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ProfileNotFound,
    ProxyConnectionError,
    SSLError,
    UnauthorizedSSOTokenError,
)
from hypothesis import given
from hypothesis import strategies as st

from accounts.aws.calls import Call
from accounts.aws.endpoints import FipsError
from accounts.aws.errors import CALL_EXCEPTIONS, AssumeError, classify_error
from accounts.aws.gaps import GapKind
from tests.accounts.aws.roles import PARAMETERS


def answered(code, message="", status=400):
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "DescribeParameters")


def kind(exc, region="eu-west-1", call=PARAMETERS, partition="aws"):
    return classify_error(exc, call, region, partition=partition).gap.kind


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDeniedException", 400),
        ("AccessDeniedException", 401),
        ("AccessDenied", 403),
        ("UnauthorizedOperation", 403),
        ("AuthorizationErrorException", 400),
        ("403", 403),
        ("SomethingNew", 403),
    ],
)
def test_services_refuse_with_different_codes(code, status):
    assert kind(answered(code, status=status)) is GapKind.DENIED


def test_a_service_control_policy_is_named():
    message = "User: x is not authorized to perform: y with an explicit deny in a service control policy"
    error = classify_error(answered("AccessDeniedException", message), PARAMETERS, "eu-west-1")
    assert (error.gap.kind, error.message) == (GapKind.DENIED_BY_SCP, message)


@pytest.mark.parametrize("code", ["AuthFailure", "UnrecognizedClientException", "InvalidClientTokenId"])
def test_invalid_token_means_not_opted_in_for_opt_in_region(code):
    assert kind(answered(code, status=401), "me-south-1") is GapKind.NOT_OPTED_IN
    assert kind(answered(code, status=403), "eu-west-1") is GapKind.BAD_CREDENTIALS
    assert kind(answered(code, status=403), "global") is GapKind.BAD_CREDENTIALS
    assert kind(answered(code, status=403), "cn-north-1", partition="aws-cn") is GapKind.BAD_CREDENTIALS


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("ThrottlingException", 400, GapKind.THROTTLED),
        ("RequestLimitExceeded", 503, GapKind.THROTTLED),
        ("SlowDown", 503, GapKind.THROTTLED),
        ("TooManyRequestsException", 429, GapKind.THROTTLED),
        ("RequestTimeout", 400, GapKind.TIMEOUT),
        ("InternalError", 500, GapKind.SERVER_ERROR),
        ("503", 503, GapKind.SERVER_ERROR),
        ("InternalFailure", 400, GapKind.SERVER_ERROR),
        ("UnknownOperationException", 400, GapKind.UNSUPPORTED),
        ("NoSuchBucket", 404, GapKind.REJECTED),
        ("InvalidDocument", 400, GapKind.REJECTED),
        ("NotFoundException", 400, GapKind.REJECTED),
    ],
)
def test_error_code_is_classified(code, status, expected):
    error = classify_error(answered(code, status=status), PARAMETERS, "eu-west-1")
    assert (error.gap.kind, error.code, error.status) == (expected, code, status)


def test_unknown_host_is_unsupported_if_aws_publishes_none():
    unknown = EndpointConnectionError(endpoint_url="https://x", error="NameResolutionError: no")
    macie = Call("macie2", "GetMacieSession", "macie2:GetMacieSession")
    assert kind(unknown, "mx-central-1", macie) is GapKind.UNSUPPORTED
    assert kind(unknown, "eu-west-1", macie) is GapKind.UNREACHABLE
    refused = EndpointConnectionError(endpoint_url="https://x", error="Connection refused")
    assert kind(refused, "mx-central-1", macie) is GapKind.UNREACHABLE


@pytest.mark.parametrize(
    "absent",
    [
        EndpointConnectionError(endpoint_url="https://x", error="NameResolutionError: no"),
        ProxyConnectionError(proxy_url="http://p", error="Tunnel connection failed: 502 Bad Gateway"),
        FipsError("AWS publishes no FIPS endpoint for macie2"),
    ],
)
def test_partition_without_the_service_is_unsupported(absent):
    """C7: Macie is not in China, GovCloud and the isolated partitions. A region newer than the data is not known."""
    macie = Call("macie2", "GetMacieSession", "macie2:GetMacieSession")
    for region in ("us-gov-west-1", "us-gov-east-1", "cn-north-1", "us-iso-east-1", "eusc-de-east-1", "ap-southeast-5"):
        assert kind(absent, region, macie) is GapKind.UNSUPPORTED, region
    for region in ("eu-west-1", "eu-west-97"):
        assert kind(absent, region, macie) is not GapKind.UNSUPPORTED, region


@pytest.mark.parametrize(
    ("exc", "expected", "code"),
    [
        (ConnectTimeoutError(endpoint_url="https://x"), GapKind.TIMEOUT, "ConnectTimeout"),
        (SSLError(endpoint_url="https://x", error="bad"), GapKind.UNREACHABLE, "SSL"),
        (NoCredentialsError(), GapKind.BAD_CREDENTIALS, "NoCredentials"),
        (ProfileNotFound(profile="nope"), GapKind.BAD_CREDENTIALS, "Misconfigured"),
        (UnauthorizedSSOTokenError(), GapKind.BAD_CREDENTIALS, "Misconfigured"),
        (ParamValidationError(report="x"), GapKind.REJECTED, "ParamValidation"),
        (AssumeError("r", "d", "ExpiredToken"), GapKind.NO_SESSION, "ExpiredToken"),
        (TypeError("value SECRET"), GapKind.MALFORMED, "MalformedAnswer"),
    ],
)
def test_failures_without_an_answer(exc, expected, code):
    error = classify_error(exc, PARAMETERS, "eu-west-1")
    assert (error.gap.kind, error.code) == (expected, code)
    assert "SECRET" not in f"{error} {error.message}"


def test_non_call_error_is_raised_unchanged():
    with pytest.raises(ZeroDivisionError):
        classify_error(ZeroDivisionError(), PARAMETERS, "eu-west-1")


@given(st.text(max_size=40), st.text(max_size=80), st.integers(300, 599), st.sampled_from(["eu-west-1", "global"]))
def test_every_answer_becomes_one_named_gap(code, message, status, region):
    error = classify_error(answered(code, message, status), PARAMETERS, region)
    assert error.gap.code
    assert error.gap.region == region


def test_every_listed_failure_can_be_classified():
    for failure in (AttributeError, KeyError, TypeError, ValueError):
        assert failure in CALL_EXCEPTIONS
        assert kind(failure("x")) is GapKind.MALFORMED


@pytest.mark.parametrize(("headers", "region"), [({"x-amz-bucket-region": "eu-west-1"}, "eu-west-1"), ({}, "")])
def test_refusal_by_s3_tells_where_the_bucket_is(headers: dict[str, str], region: str) -> None:
    metadata = {"HTTPStatusCode": 403, "HTTPHeaders": headers}
    exc = ClientError({"Error": {"Code": "403", "Message": "Forbidden"}, "ResponseMetadata": metadata}, "HeadBucket")
    assert classify_error(exc, PARAMETERS, "eu-west-1").bucket_region == region
