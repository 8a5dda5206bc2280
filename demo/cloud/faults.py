"""Faults on demand, by account, region and operation; and counts of what was asked."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from demo.cloud.authority import BY_SCP, action_of, denied
from demo.cloud.protocol import AwsError, Request, Response, protocol

KINDS = ("denied", "denied_by_scp", "throttled", "slow", "error_500", "timeout", "malformed", "hollow")


class Hang(Exception):
    """Keep the caller waiting, then close the connection without an answer."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


@dataclass(slots=True)
class Fault:
    """api is "service.Operation"; "*" stands for any. times None: for ever. seconds: for slow and timeout."""

    kind: str
    api: str = "*"
    account: str = "*"
    region: str = "*"
    times: int | None = None
    seconds: float = 60.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is not a fault; use one of {', '.join(KINDS)}")

    def fits(self, request: Request) -> bool:
        return (
            self.times != 0
            and self.api in {"*", request.api}
            and self.account in {"*", request.account}
            and self.region in {"*", request.region}
        )


class Faults:
    """The rules in force, the latency added to every call, and the counts."""

    def __init__(self) -> None:
        self.latency = 0.0
        self.requests: Counter[tuple[str, str, str]] = Counter()
        self._rules: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, *rules: Fault) -> None:
        with self._lock:
            self._rules += rules

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def forget_requests(self) -> None:
        with self._lock:
            self.requests.clear()

    def count(self, request: Request) -> None:
        with self._lock:
            self.requests[request.account, request.region, request.api] += 1

    def counted(self) -> list[dict[str, Any]]:
        with self._lock:
            return [
                {"account": account, "region": region, "api": api, "count": n}
                for (account, region, api), n in sorted(self.requests.items())
            ]

    def strike(self, request: Request) -> Response | None:
        """Raise or answer what the first fitting rule says; None: no fault."""
        if self.latency:
            time.sleep(self.latency)
        if not self._rules:
            return None
        with self._lock:
            rule = next((rule for rule in self._rules if rule.fits(request)), None)
            if rule is None:
                return None
            if rule.times is not None:
                rule.times -= 1
        return struck(rule, request)


def struck(rule: Fault, request: Request) -> Response | None:
    match rule.kind:
        case "denied":
            raise denied(request, f"because no identity-based policy allows the {action_of(request)} action")
        case "denied_by_scp":
            raise denied(request, BY_SCP)
        case "throttled":
            code = {"ec2": "RequestLimitExceeded", "s3": "SlowDown", "iam": "Throttling", "sts": "Throttling"}
            raise AwsError(
                code.get(request.service, "ThrottlingException"),
                "Rate exceeded",
                503 if request.service in {"s3", "ec2"} else 400,
            )
        case "error_500":
            raise AwsError(
                "InternalError" if request.service == "s3" else "InternalServerError",
                "We encountered an internal error.",
                500,
            )
        case "timeout":
            raise Hang(rule.seconds)
        case "malformed":
            return Response(200, {"Content-Type": "application/x-amz-json-1.1"}, b"<html>{not an answer")
        case "hollow":
            # Well-formed, and nothing of what the operation promises.
            body = b"{}" if protocol(request.service) in {"json", "rest-json"} else b"<Response/>"
            return Response(200, {"Content-Type": "application/x-amz-json-1.1"}, body)
        case _:
            time.sleep(rule.seconds)
            return None
