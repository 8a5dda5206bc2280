"""Holds the sessions of a role in one Account. Each is asked for when a collector first needs it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from accounts.aws.assume import AssumedRole
from accounts.aws.credentials import ActingRole
from accounts.aws.errors import AssumeError, make_session_error
from scans.pipeline.session_groups import SessionGroup


class RoleOnDemand:
    """One session. It is opened on first use, once for all regions and collectors."""

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
        if self._refusal is not None:
            raise self._refusal
        assert self._role is not None
        return self._role

    def take_or_gap(self, region: str) -> AssumedRole:
        """The session for a read of this region. Raises CallError, whose gap names AssumeRole."""
        try:
            return self.take()
        except AssumeError as error:
            raise make_session_error(error, region) from error


class RoleSessions:
    """The sessions of the scan role in one Account, by collector (session_groups)."""

    def __init__(self, groups: Iterable[SessionGroup], assume: Callable[[SessionGroup], AssumedRole]) -> None:
        self._sessions: list[RoleOnDemand] = []
        self._by_collector: dict[str, RoleOnDemand] = {}
        for group in groups:
            session = RoleOnDemand(lambda group=group: assume(group))  # type: ignore[misc]
            self._sessions.append(session)
            self._by_collector.update(dict.fromkeys(group.collectors, session))

    def open_first(self) -> ActingRole:
        """The session that lists the account's regions. Raises AssumeError: without it the account is unreadable."""
        return self._sessions[0].take()

    def open_for(self, collector: str, region: str) -> ActingRole:
        """The session whose policy allows this collector's calls. Raises CallError."""
        return self._by_collector[collector].take_or_gap(region)
