"""Turns AWS's refusals and failures into named gaps."""

from __future__ import annotations

import re
from xml.etree.ElementTree import ParseError  # nosec  # the error alone; botocore parses

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigNotFound,
    ConfigParseError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    EndpointProviderError,
    HTTPClientError,
    InvalidConfigError,
    InvalidDefaultsMode,
    InvalidRegionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    SSOError,
    TokenRetrievalError,
    UnknownCredentialError,
)
from botocore.exceptions import ConnectionError as UnreachableError
from botocore.parsers import ResponseParserError

from accounts.aws.calls import Call, CallError
from accounts.aws.credentials import CredentialsRefusedError
from accounts.aws.endpoints import FipsError, actual_region, lacks_service
from accounts.aws.error_codes import classify_code
from accounts.aws.gaps import Gap, GapKind
from governance.core.storable import REPLACEMENT_MARK, make_text_storable

ASSUME_ROLE_CALL = Call("sts", "AssumeRole", "sts:AssumeRole")
UNKNOWN_HOST = re.compile(
    r"NameResolutionError|Name or service not known|nodename nor servname|getaddrinfo|Tunnel connection failed: 50[234]",
    re.IGNORECASE,
)


NO_CODE = re.compile(r"[^A-Za-z0-9._:/-]+")
MAX_CODE = 100


class AssumeError(Exception):
    """The scan role could not be assumed. reason: what happened; what_to_do: what to do; code: AWS's."""

    def __init__(self, reason: str, what_to_do: str, code: str = "", kind: GapKind = GapKind.DENIED) -> None:
        super().__init__(f"{reason} {what_to_do}")
        self.kind = kind
        self.reason = reason
        self.what_to_do = what_to_do
        self.code = code


# What a call can raise. botocore's parsers raise the last six for an answer of another form.
CALL_EXCEPTIONS = (
    ClientError, BotoCoreError, ResponseParserError, FipsError, CredentialsRefusedError, AssumeError,
    AttributeError, KeyError, ParseError, RecursionError, TypeError, ValueError,
)  # fmt: skip


def classify_error(exc: Exception, call: Call, region: str, *, partition: str = "") -> CallError:
    """The named failure of one call. `region` is the one to report: "global" for a global read."""
    if isinstance(exc, AssumeError):
        return make_session_error(exc, region)
    kind, code, message, status = parse_exception(exc)
    place = actual_region(partition or "aws", region)
    if isinstance(exc, ClientError):
        kind = classify_code(code, message, status, place)
    elif is_without_host(exc) and lacks_service(call.service, place):
        # Only if AWS publishes no such endpoint. Otherwise the portal's own name resolution or proxy fails.
        kind = GapKind.UNSUPPORTED
    # AWS's texts go into database rows and reasons.
    gap = Gap(kind, call.api, call.action, region, make_plain_code(code))
    return CallError(gap, make_text_storable(message), status, find_told_region(exc))


def find_told_region(exc: Exception) -> str:
    """What S3 says of a bucket's region in its answer, whether it permits the call or not. Empty if it says nothing.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html"""
    metadata = exc.response.get("ResponseMetadata", {}) if isinstance(exc, ClientError) else {}
    return make_text_storable(str(metadata.get("HTTPHeaders", {}).get("x-amz-bucket-region") or ""))


def make_plain_code(code: str) -> str:
    """The code as one word, as all of AWS's are. It stands in lines and reasons, so nothing else may get there."""
    return NO_CODE.sub(REPLACEMENT_MARK, code)[:MAX_CODE]


def make_session_error(error: AssumeError, region: str) -> CallError:
    """The failure of every call that needs a session of a role which can't be assumed. It names AssumeRole.

    Its kind is not that of AssumeRole's own failure: STS was already asked again, so the call must not be repeated.
    """
    call = ASSUME_ROLE_CALL
    return CallError(Gap(GapKind.NO_SESSION, call.api, call.action, region, error.code or "AssumeRole"), str(error))


def parse_exception(exc: Exception) -> tuple[GapKind, str, str, int]:
    """(kind, code, message, HTTP status) as far as the exception's class tells."""
    if isinstance(exc, ClientError):
        error = exc.response.get("Error", {})
        status = int(exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return GapKind.REJECTED, str(error.get("Code") or status), str(error.get("Message") or ""), status
    for known, kind, code in KINDS_BY_CLASS:
        if isinstance(exc, known):
            # A parser's message may quote the answer, and so a value.
            said = "" if kind is GapKind.MALFORMED else str(exc)
            return kind, code or type(exc).__name__.removesuffix("Error"), said, 0
    raise exc


# Errors in the hub's profile or AWS configuration: no call can be made until they are corrected.
MISCONFIGURED = "Misconfigured"
CONFIGURATION_ERRORS: tuple[type[Exception], ...] = (
    ProfileNotFound, ConfigNotFound, ConfigParseError, InvalidConfigError, InvalidDefaultsMode, InvalidRegionError,
    SSOError, TokenRetrievalError, UnknownCredentialError,
)  # fmt: skip

# The first match decides, so subclasses come before BotoCoreError and ValueError.
KINDS_BY_CLASS: tuple[tuple[type[Exception], GapKind, str], ...] = (
    (ReadTimeoutError, GapKind.TIMEOUT, "ReadTimeout"),
    (ConnectTimeoutError, GapKind.TIMEOUT, "ConnectTimeout"),
    (ResponseParserError, GapKind.MALFORMED, "MalformedAnswer"),
    (FipsError, GapKind.NO_FIPS, "NoFipsEndpoint"),
    (CredentialsRefusedError, GapKind.BAD_CREDENTIALS, "CredentialsRefused"),
    (NoCredentialsError, GapKind.BAD_CREDENTIALS, "NoCredentials"),
    (PartialCredentialsError, GapKind.BAD_CREDENTIALS, "PartialCredentials"),
    (ParamValidationError, GapKind.REJECTED, "ParamValidation"),
    (EndpointProviderError, GapKind.UNSUPPORTED, ""),
    (HTTPClientError, GapKind.UNREACHABLE, ""),
    (UnreachableError, GapKind.UNREACHABLE, ""),
    (CredentialRetrievalError, GapKind.BAD_CREDENTIALS, "NoCredentials"),
    *((known, GapKind.BAD_CREDENTIALS, MISCONFIGURED) for known in CONFIGURATION_ERRORS),
    (BotoCoreError, GapKind.REJECTED, ""),
    (AttributeError, GapKind.MALFORMED, "MalformedAnswer"),
    (KeyError, GapKind.MALFORMED, "MalformedAnswer"),
    (ParseError, GapKind.MALFORMED, "MalformedAnswer"),
    (RecursionError, GapKind.MALFORMED, "MalformedAnswer"),
    (TypeError, GapKind.MALFORMED, "MalformedAnswer"),
    (ValueError, GapKind.MALFORMED, "MalformedAnswer"),
)


def is_without_host(exc: Exception) -> bool:
    """Whether there seems to be no such host: its name is unknown here or to the proxy, or no FIPS host is published."""
    if isinstance(exc, FipsError):
        return True
    if not isinstance(exc, EndpointConnectionError | ProxyConnectionError):
        return False
    # botocore's own message omits the cause.
    cause = exc.kwargs.get("error")
    return UNKNOWN_HOST.search(f"{type(cause).__name__} {cause}") is not None


def malformed_answer(call: Call, region: str) -> CallError:
    """The error for an answer that was parsed but isn't what the operation promises."""
    return CallError(Gap(GapKind.MALFORMED, call.api, call.action, region, "MalformedAnswer"))
