"""Removes what a client does needlessly on every call, and adds guards.

Both use botocore's event system: if a later botocore registers a handler differently, it is not removed, and a call
only costs a little more.
"""

from __future__ import annotations

import re
from typing import Any

from botocore.handlers import add_retry_headers, json_decode_policies
from botocore.parsers import ResponseParserError

from accounts.aws.endpoints import FipsError
from accounts.aws.strict_parsers import decode_policy_documents

ACCOUNT_HOST = re.compile(r"^(https?://)\d{12}\.")
EMPTY_JSON = b"{} \t\r\n"
JSON_PROTOCOLS = {"json", "rest-json"}


def remove_handlers(client: Any) -> None:
    """Remove the handlers that cost CPU on each call and have no use here."""
    service = client.meta.service_model.service_id.hyphenize()
    events = client.meta.events
    # The user agent is fixed and need not be built again for each request.
    agent = getattr(client, "_user_agent_creator", None)
    rebuild = getattr(agent, "rebuild_and_replace_user_agent_handler", None)
    if rebuild is not None:
        events.unregister(f"request-created.{service}", rebuild)
    # Two headers that count the SDK's own attempts for AWS's statistics.
    events.unregister("request-created", add_retry_headers)
    # accounts.aws.retry does the retries; with one attempt in total this handler never retries.
    events.unregister(f"needs-retry.{service}", unique_id=f"retry-config-{service}")


def add_guards(client: Any, *, custom: bool, fips: str) -> None:
    """Add the guards. `custom`: AWS_ENDPOINT_URL names the host; `fips`: the only host allowed."""
    model = client.meta.service_model
    service = model.service_id.hyphenize()
    if model.resolved_protocol in JSON_PROTOCOLS:
        client.meta.events.register(f"before-parse.{service}", refuse_broken_json)
    if service == "iam":
        client.meta.events.unregister("after-call.iam", json_decode_policies)
        client.meta.events.register("after-call.iam", decode_policy_documents)
    if custom and service == "s3-control":
        client.meta.events.register(f"before-send.{service}", strip_account)
    if fips:
        client.meta.events.register(f"before-send.{service}", FipsGuard(fips))


def refuse_broken_json(response_dict: dict[str, Any], operation_model: Any, **_: Any) -> None:
    """Refuse a body that isn't JSON. botocore reads it as an empty answer, so unknown would look like empty."""
    # Error bodies may be anything; botocore's error parser handles them. To botocore, 300 is an answer.
    if response_dict["status_code"] >= 301 or operation_model.has_streaming_output:
        return
    body = response_dict["body"].strip()
    if body and not (body.startswith(b"{") and body.endswith(b"}")):
        raise ResponseParserError(f"{operation_model.name} answered something that is not a JSON object")
    if not body.strip(EMPTY_JSON) and operation_model.output_shape is not None and operation_model.output_shape.members:
        raise ResponseParserError(f"{operation_model.name} answered nothing")


def strip_account(request: Any, **_: Any) -> None:
    """Remove the account id that S3 Control puts before the host: no custom endpoint resolves it."""
    request.url = ACCOUNT_HOST.sub(r"\1", request.url)


class FipsGuard:
    """Refuses any request to another host than the published FIPS host."""

    def __init__(self, host: str) -> None:
        self._host = host

    def __call__(self, request: Any, **_: Any) -> None:
        host = request.url.split("://", 1)[-1].split("/", 1)[0].split(":", 1)[0]
        # S3 puts the bucket, S3 Control the account id, before the host.
        if host != self._host and not host.endswith(f".{self._host}"):
            raise FipsError(f"A request would have gone to {host} instead of the FIPS endpoint {self._host}.")
