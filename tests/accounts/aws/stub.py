"""A tiny AWS over real HTTP: answers are scripted by (service, operation), requests are kept."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")


@dataclass
class Request:
    service: str
    operation: str
    region: str
    key: str
    path: str
    params: dict[str, Any]
    headers: dict[str, str]


@dataclass
class Answer:
    body: Any = None
    status: int = 200

    def encoded(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


def nothing_there() -> Answer:
    """An answer with nothing in it that a test asks for. A bare {} is no answer: no operation gives one."""
    return Answer({"Parameters": []})


def refusal(code: str, message: str = "no", status: int = 400) -> Answer:
    return Answer({"__type": code, "message": message}, status)


Script = Callable[[Request], Answer]


@dataclass
class Stub:
    script: Script
    requests: list[Request] = field(default_factory=list)
    url: str = ""

    def of(self, operation: str) -> list[Request]:
        return [request for request in self.requests if request.operation == operation]


def serve(stub: Stub) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            request = read(self, self.rfile.read(length))
            stub.requests.append(request)
            answer = stub.script(request)
            data = answer.encoded()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            # A client that timed out has gone.
            with contextlib.suppress(ConnectionError):
                self.wfile.write(data)

        do_GET = do_PUT = do_HEAD = do_POST  # noqa: N815

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


def read(handler: BaseHTTPRequestHandler, body: bytes) -> Request:
    headers = {name.lower(): value for name, value in handler.headers.items()}
    key, region, service = "", "", ""
    if match := CREDENTIAL.search(headers.get("authorization", "")):
        key, region, service = match.groups()
    if "x-amz-target" in headers:
        operation = headers["x-amz-target"].split(".")[-1]
        params = json.loads(body or b"{}")
    elif headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        operation, params = form.get("Action", ""), form
    else:
        operation, params = f"{handler.command} {handler.path.split('?')[0]}", {}
    return Request(service, operation, region, key, handler.path, params, headers)


def assumed(account: str, expiration: str = "2999-01-01T00:00:00Z") -> Answer:
    """STS's answer; the access key names the account, so that a test sees who signed."""
    return Answer(
        f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
        <AssumedRoleUser><Arn>arn</Arn><AssumedRoleId>id</AssumedRoleId></AssumedRoleUser>
        <Credentials><AccessKeyId>ASIA{account}</AccessKeyId><SecretAccessKey>secret{account}</SecretAccessKey>
        <SessionToken>token{account}</SessionToken><Expiration>{expiration}</Expiration></Credentials>
        </AssumeRoleResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>""".encode()
    )


def sts_refusal(code: str, message: str, status: int = 403) -> Answer:
    return Answer(
        f"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
        <Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>""".encode(),
        status,
    )
