"""Checks once whether the hub can work at all, before a scan needs it for every account."""

from __future__ import annotations

from accounts.aws.assume_failures import NO_CREDENTIALS_CODES, find_refusal_reason
from accounts.aws.calls import Call, CallError
from accounts.aws.credentials import acting_as
from accounts.aws.endpoints import home_region
from accounts.aws.error_codes import CLOCK_CODES, EXPIRED_CODES, INVALID_CODES
from accounts.aws.errors import MISCONFIGURED
from accounts.aws.gap_kinds import strip_code
from accounts.aws.reader import AwsReader

# Errors that concern every account: no role could be assumed.
_HUB_ERROR_CODES = (
    NO_CREDENTIALS_CODES
    | EXPIRED_CODES
    | INVALID_CODES
    | CLOCK_CODES
    | {MISCONFIGURED, "EndpointConnection", "ConnectTimeout", "ProxyConnection", "SSL"}
)
# Needs no permission: docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
IDENTITY_CALL = Call("sts", "GetCallerIdentity", "sts:GetCallerIdentity")


class HubError(Exception):
    """The hub itself can't work: its credentials are missing, expired or invalid, or AWS is unreachable."""


def is_hub_error(code: str) -> bool:
    """Whether AssumeRole failed with a code that concerns every account."""
    return strip_code(code) in _HUB_ERROR_CODES


def require_hub(partition: str) -> None:
    """Raise HubError if the hub can't work. The scan reports other failures for each account."""
    region = home_region(partition)
    try:
        with acting_as(None):
            AwsReader("hub", partition, region, (IDENTITY_CALL,), as_hub=True).call(
                IDENTITY_CALL.service, IDENTITY_CALL.operation
            )
    except CallError as error:
        if is_hub_error(error.code):
            raise HubError(
                " ".join(find_refusal_reason(error, f"the partition {partition}", region)).strip()
            ) from error
