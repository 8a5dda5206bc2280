"""Whether the hub can work at all, asked once before a scan asks it for every account."""

from __future__ import annotations

from accounts.aws.assume_failures import EXPIRED, INVALID, NO_CREDENTIALS, reason_of
from accounts.aws.calls import Call, CallError
from accounts.aws.credentials import acting_as
from accounts.aws.endpoints import home_region
from accounts.aws.errors import MISCONFIGURED
from accounts.aws.reader import AwsReader

# Not of one account: nobody's role could be assumed.
OF_THE_HUB = (
    NO_CREDENTIALS
    | EXPIRED
    | INVALID
    | {MISCONFIGURED, "EndpointConnection", "ConnectTimeout", "ProxyConnection", "SSL"}
)
# Needs no permission: docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
WHO = Call("sts", "GetCallerIdentity", "sts:GetCallerIdentity")


class HubError(Exception):
    """The hub itself can't work (no, expired or invalid credentials, no way to AWS); the message says what to do."""


def require_hub(partition: str) -> None:
    """Raises HubError. Whatever else goes wrong is of the accounts, and the scan says it there."""
    region = home_region(partition)
    try:
        with acting_as(None):
            AwsReader("hub", partition, region, (WHO,), as_hub=True).call(WHO.service, WHO.operation)
    except CallError as error:
        if error.code in OF_THE_HUB:
            raise HubError(" ".join(reason_of(error, f"the partition {partition}", region)).strip()) from error
