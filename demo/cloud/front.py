"""The make-believe AWS: understands a request, asks the authority, answers itself or lets moto answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import ServiceException

from demo.cloud.authority import Authority, Caller
from demo.cloud.faults import Fault, Faults
from demo.cloud.handlers import handlers
from demo.cloud.protocol import AwsError, Request, Response, answer, refusal, understand
from demo.cloud.through import moto


class Front:
    """One make-believe AWS. handle() is safe to call from many threads."""

    def __init__(self) -> None:
        self.authority = Authority()
        self.faults = Faults()
        self.handlers = handlers()

    def handle(self, request: Request) -> Response:
        if request.path.startswith("/demo/"):
            return self.admin(request)
        try:
            understand(request)
            caller = self.authority.identify(request)
            self.faults.count(request)
            struck = self.faults.strike(request)
            if struck is not None:
                return struck
            self.authority.admit(request, caller)
            return self.serve(request, caller)
        except AwsError as error:
            return refusal(request, error)

    def serve(self, request: Request, caller: Caller) -> Response:
        if request.api == "sts.AssumeRole":
            return answer(request, self.authority.assume(request, caller))
        if request.api == "sts.GetCallerIdentity":
            return answer(request, {"Account": caller.account, "Arn": caller.arn, "UserId": request.access_key})
        handler = self.handlers.get(request.api)
        if handler is None:
            return moto(request)
        try:
            result = handler(request)
        except ServiceException as error:
            raise AwsError(str(error.code), str(error.message)) from error
        return result if isinstance(result, Response) else answer(request, result)

    def admin(self, request: Request) -> Response:
        """/demo/faults, /demo/requests, /demo/latency, /demo/healthz: for tests and benchmarks."""
        acts: dict[tuple[str, str], Callable[[], Any]] = {
            ("GET", "/demo/healthz"): lambda: {"ok": True},
            ("POST", "/demo/faults"): lambda: self.faults.add(*(Fault(**rule) for rule in json.loads(request.body))),
            ("DELETE", "/demo/faults"): self.faults.clear,
            ("GET", "/demo/requests"): self.faults.counted,
            ("DELETE", "/demo/requests"): self.faults.forget_requests,
            ("POST", "/demo/latency"): lambda: setattr(
                self.faults, "latency", float(json.loads(request.body)["seconds"])
            ),
        }
        act = acts.get((request.method, request.path))
        if act is None:
            return Response(404, {}, b"there is no such thing here\n")
        try:
            body = act()
        except (ValueError, TypeError, KeyError) as error:
            return Response(400, {"Content-Type": "text/plain"}, f"{error}\n".encode())
        return Response(200, {"Content-Type": "application/json"}, json.dumps(body).encode())
