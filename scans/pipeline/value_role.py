"""Reads as the value role, the only role that may read parameter values. It is off by default."""

from __future__ import annotations

from typing import Any

from accounts.aws.assume import AssumedRole, AssumeError, acting_as
from accounts.aws.calls import Listing
from scans.domain.collector import Reader
from scans.pipeline.role_sessions import RoleOnDemand


def build_no_role_error() -> AssumeError:
    return AssumeError("No value role is set.", "Set TUTELA_VALUE_ROLE, for the workers too.")


def refuse_value_role() -> AssumedRole:
    raise build_no_role_error()


class ValueReader:
    """A Reader that makes every call as the value role. If the role can't be assumed, the call gets a gap."""

    def __init__(self, reader: Reader, role: RoleOnDemand) -> None:
        self._reader = reader
        self._role = role
        self.account = reader.account
        self.partition = reader.partition
        self.region = reader.region

    def call(self, service: str, operation: str, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        with acting_as(self._role.take_or_gap(self.region)):
            return self._reader.call(service, operation, region=region, **params)

    def pages(self, service: str, operation: str, key: str, *, region: str | None = None, **params: Any) -> Listing:
        with acting_as(self._role.take_or_gap(self.region)):
            return self._reader.pages(service, operation, key, region=region, **params)
