"""Reads as the value role, the only role that may read parameter values. It is off by default."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from accounts.aws.assume import AssumedRole, AssumeError, acting_as
from accounts.aws.calls import Call, Listing
from accounts.aws.errors import classify_error
from scans.domain.collector import Reader

VALUE_ROLE_CALL = Call("sts", "AssumeRole", "sts:AssumeRole")


class ValueRole:
    """The value role of one Account. It is assumed on first use, once for all regions."""

    def __init__(self, assume: Callable[[], AssumedRole]) -> None:
        self._assume = assume
        self._lock = threading.Lock()
        self._role: AssumedRole | None = None
        self._refusal: AssumeError | None = None

    def take(self) -> AssumedRole:
        """Raises AssumeError."""
        with self._lock:
            # Collectors of many regions arrive here at the same time. A refusal is remembered as well: a second attempt
            # would fail the same way and cost a call per region.
            if self._role is None and self._refusal is None:
                try:
                    self._role = self._assume()
                except AssumeError as error:
                    self._refusal = error
        if self._role is None:
            raise self._refusal or build_no_role_error()
        return self._role


def build_no_role_error() -> AssumeError:
    return AssumeError("No value role is set.", "Set TUTELA_VALUE_ROLE, for the workers too.")


def refuse_value_role() -> AssumedRole:
    raise build_no_role_error()


class ValueReader:
    """A Reader that makes every call as the value role. If the role can't be assumed, the call gets a gap."""

    def __init__(self, reader: Reader, role: ValueRole) -> None:
        self._reader = reader
        self._role = role
        self.account = reader.account
        self.partition = reader.partition
        self.region = reader.region

    def call(self, service: str, operation: str, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        with acting_as(self._take()):
            return self._reader.call(service, operation, region=region, **params)

    def pages(self, service: str, operation: str, key: str, *, region: str | None = None, **params: Any) -> Listing:
        with acting_as(self._take()):
            return self._reader.pages(service, operation, key, region=region, **params)

    def _take(self) -> AssumedRole:
        try:
            return self._role.take()
        except AssumeError as error:
            raise classify_error(error, VALUE_ROLE_CALL, self.region, partition=self.partition) from error
