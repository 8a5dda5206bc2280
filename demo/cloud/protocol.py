"""AWS's protocols, as far as the scanner speaks them: which operation a request is, and answers in its shape."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

from moto.core.model import OperationModel, ServiceModel
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model

from demo.cloud import cbor

SIGNED_AS = {"tagging": "resourcegroupstaggingapi"}
CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
S3_SUBRESOURCES = {
    "encryption": "GetBucketEncryption", "policy": "GetBucketPolicy", "policyStatus": "GetBucketPolicyStatus",
    "publicAccessBlock": "GetPublicAccessBlock", "location": "GetBucketLocation", "versioning": "GetBucketVersioning",
    "logging": "GetBucketLogging", "ownershipControls": "GetBucketOwnershipControls",
    "object-lock": "GetObjectLockConfiguration",
}  # fmt: skip
CBOR_HEADERS = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}


class AwsError(Exception):
    """A refusal as AWS words it."""

    def __init__(
        self, code: str, message: str = "", status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status
        self.headers = dict(headers or {})


@dataclass(slots=True)
class Request:
    """One request, understood. account and caller are filled in by the authority."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    access_key: str = ""
    region: str = ""
    service: str = ""
    operation: str = ""
    account: str = ""
    caller: str = ""
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def api(self) -> str:
        return f"{self.service}.{self.operation}"

    @property
    def bucket(self) -> str:
        return unquote(self.path.lstrip("/").split("/", 1)[0])


@dataclass(slots=True)
class Response:
    status: int
    headers: dict[str, str]
    body: bytes


@cache
def service_model(service: str) -> ServiceModel:
    return get_service_model(service)


@cache
def operation_model(service: str, operation: str) -> OperationModel:
    return service_model(service).operation_model(operation)


@cache
def protocol(service: str) -> str:
    model = service_model(service)
    return str(model.protocol if "smithy" not in model.protocol else "json")


def understand(request: Request) -> None:
    """Fill in who signed, for which region and service, and which operation it is, with its parameters."""
    found = CREDENTIAL.search(request.headers.get("authorization", ""))
    if not found:
        raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    request.access_key, request.region, signed = found.groups()
    request.service = SIGNED_AS.get(signed, signed)
    if signed == "s3" and request.path.startswith("/v20180820/"):
        request.service = "s3control"
    target = request.headers.get("x-amz-target", "")
    if target:
        request.operation = target.rpartition(".")[2]
        request.params = json.loads(request.body or b"{}")
    elif "/operation/" in request.path and request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        request.operation = request.path.rpartition("/")[2]
        request.params = cbor.read(request.body)
    elif protocol(request.service) in {"query", "ec2"}:
        request.params = form(request.body)
        request.operation = str(request.params.get("Action", ""))
    elif request.service == "s3":
        request.operation = s3_operation(request)
        request.params = dict(parse_qsl(request.query, keep_blank_values=True))
    else:
        request.operation = rest_operation(request.service, request.method, request.path)
        request.params = dict(parse_qsl(request.query))
        if request.body[:1] == b"{":
            request.params |= json.loads(request.body)


def form(body: bytes) -> dict[str, Any]:
    """A query body: Filter.member.1=x and InstanceId.1=x become lists under their first word."""
    values: dict[str, Any] = {}
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        head, _, rest = name.partition(".")
        if rest:
            values.setdefault(head, []).append(value) if rest.replace("member.", "").isdecimal() else None
        values.setdefault(name, value)
    return values


def s3_operation(request: Request) -> str:
    if request.method == "HEAD":
        return "HeadBucket"
    if request.method != "GET":
        return f"{request.method.title()}Something"
    if request.path.strip("/") == "":
        return "ListBuckets"
    if "/" in request.path.strip("/"):
        return "GetObject"
    names = {name for name, _ in parse_qsl(request.query, keep_blank_values=True)}
    return next((S3_SUBRESOURCES[name] for name in names if name in S3_SUBRESOURCES), "ListObjectsV2")


@cache
def rest_routes(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    routes = []
    for name in service_model(service).operation_names:
        http = operation_model(service, name).http
        path = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(http["requestUri"].split("?")[0]))
        routes.append((http["method"], re.compile(path + "/?$"), name))
    return routes


@lru_cache(maxsize=4096)
def rest_operation(service: str, method: str, path: str) -> str:
    for verb, pattern, name in rest_routes(service):
        if verb == method and pattern.match(path):
            return name
    raise AwsError("UnknownOperationException", path, 404)


def answer(request: Request, result: dict[str, Any]) -> Response:
    """A successful answer in the protocol of the request."""
    kind = protocol(request.service)
    if kind == "json" and request.headers.get("smithy-protocol") != "rpc-v2-cbor":
        body = json.dumps(result, default=as_json).encode()
        return Response(200, {"Content-Type": "application/x-amz-json-1.1"}, body)
    if kind == "json":
        return Response(200, CBOR_HEADERS, cbor.write(result))
    if kind == "rest-json":
        return Response(200, {"Content-Type": "application/json"}, json.dumps(result, default=as_json).encode())
    serializer = get_serializer_class(request.service, kind)(operation_model(request.service, request.operation))
    made = serializer.serialize(result)
    body = made["body"]
    return Response(made["status_code"], dict(made["headers"]), body if isinstance(body, bytes) else str(body).encode())


def as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} has no place in an answer")


def refusal(request: Request, error: AwsError) -> Response:
    """An error in the protocol of the request, as AWS shapes it there."""
    kind = protocol(request.service) if request.service else "json"
    id = str(uuid4())
    headers = {"x-amzn-RequestId": id, **error.headers}
    code, message = escape(error.code), escape(error.message)
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        body = cbor.write({"__type": error.code, "message": error.message})
        return Response(error.status, {**headers, **CBOR_HEADERS}, body)
    if kind == "json":
        body = json.dumps({"__type": error.code, "message": error.message}).encode()
        return Response(error.status, {**headers, "Content-Type": "application/x-amz-json-1.1"}, body)
    if kind == "rest-json":
        body = json.dumps({"message": error.message}).encode()
        return Response(
            error.status, {**headers, "Content-Type": "application/json", "x-amzn-ErrorType": error.code}, body
        )
    if kind == "ec2":
        text = f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>{id}</RequestID></Response>"
    elif kind == "query":
        text = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"
    elif request.service == "s3control":
        text = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"
    else:
        text = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message><RequestId>{id}</RequestId></Error>'
    body = b"" if request.method == "HEAD" else text.encode()
    return Response(error.status, {**headers, "Content-Type": "text/xml"}, body)


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
