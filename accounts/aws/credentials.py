"""Chooses the credentials that sign a call: those of the context's scan role, otherwise the hub's own.

All accounts share one client per (service, region), so credentials can't belong to a client. They
come from a ContextVar, which threads inherit only when the work is started with a copied context.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from botocore.credentials import ReadOnlyCredentials, create_credential_resolver
from botocore.session import Session

MAX_PROFILES = 10


class ActingRole(Protocol):
    """An assumed scan role of an account."""

    account_id: str

    def credentials(self) -> ReadOnlyCredentials:
        """Valid credentials; refreshes them when they are about to expire."""


class CredentialsRefusedError(Exception):
    """The hub's credentials are configured in a way that Tutela doesn't accept."""


_acting: ContextVar[ActingRole | None] = ContextVar("tutela_acting_role", default=None)


@contextmanager
def acting_as(role: ActingRole | None) -> Iterator[None]:
    """Sign the calls of this context as `role`, or as the hub if it is None."""
    token = _acting.set(role)
    try:
        yield
    finally:
        _acting.reset(token)


def acting_role() -> ActingRole | None:
    return _acting.get()


class ContextCredentials:
    """The session's credentials for botocore: looks up the ContextVar at each signature."""

    method = "tutela"
    account_id = None  # endpoints by account id are not used: one client serves every account

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._hub: Any = None

    def get_frozen_credentials(self) -> ReadOnlyCredentials | None:
        role = _acting.get()
        if role is not None:
            return role.credentials()
        hub = self._hub_credentials()
        # None makes botocore raise NoCredentialsError, for which the callers have an explanation.
        return None if hub is None else hub.get_frozen_credentials()

    def get_deferred_property(self, name: str) -> Any:
        return lambda: getattr(self, name, None)

    @property
    def access_key(self) -> str | None:
        return self._credential_part("access_key")

    @property
    def secret_key(self) -> str | None:
        return self._credential_part("secret_key")

    @property
    def token(self) -> str | None:
        return self._credential_part("token")

    def _credential_part(self, name: str) -> str | None:
        frozen = self.get_frozen_credentials()
        return None if frozen is None else getattr(frozen, name)

    def _hub_credentials(self) -> Any:
        if self._hub is None:
            # Checked again under the lock, so that the credential providers run only once.
            with self._lock:
                if self._hub is None:
                    refuse_credential_process(self._session)
                    self._hub = create_credential_resolver(self._session).load_credentials()
        return self._hub

    def __repr__(self) -> str:
        return "<ContextCredentials>"


class ContextProvider:
    """The session's credential_provider component."""

    def __init__(self, session: Session) -> None:
        self._credentials = ContextCredentials(session)

    def load_credentials(self) -> ContextCredentials:
        return self._credentials


def refuse_credential_process(session: Session) -> None:
    """Never run a program that an AWS profile names (credential_process), its source profiles included."""
    profiles = session.full_config.get("profiles", {})
    name = session.get_config_variable("profile") or "default"
    # Bounded, because source profiles may form a loop.
    for _ in range(MAX_PROFILES):
        profile = profiles.get(name, {})
        if "credential_process" in profile:
            raise CredentialsRefusedError(
                f"The AWS profile {name!r} names a program (credential_process), which Tutela doesn't run. "
                "Use an instance or task role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            )
        following = profile.get("source_profile")
        if not following or following == name:
            return
        name = following
