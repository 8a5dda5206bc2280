"""Assumes the scan role: external id, a session policy limited to the declared actions, timely refresh."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from botocore.credentials import ReadOnlyCredentials

from accounts.aws import session
from accounts.aws.assume_failures import explain_refusal
from accounts.aws.calls import CallError
from accounts.aws.credentials import acting_as, acting_role
from accounts.aws.errors import ASSUME_ROLE_CALL, CALL_EXCEPTIONS, AssumeError, classify_error
from accounts.aws.retry import Retrier
from accounts.aws.session_policy import POLICY_LIMIT, render_session_policy

__all__ = ["AssumeError", "AssumedRole", "acting_as", "acting_role", "assume_role", "build_session_policy"]

log = structlog.get_logger(__name__)
REFRESH_FRACTION = 0.8
# The wait before a failed refresh is repeated. Credentials are not used this close to their end.
REFRESH_MARGIN = timedelta(seconds=30)
# STS allows 64 characters of this set in session names and source identities.
INVALID_NAME_CHARACTERS = re.compile(r"[^\w+=,.@-]")

Clock = Callable[[], datetime]
Fetch = Callable[[], tuple[ReadOnlyCredentials, datetime]]
_retrier = Retrier()


def utc_now() -> datetime:
    return datetime.now(UTC)


def assume_role(
    account_id: str,
    *,
    partition: str,
    role: str,
    external_id: str | None,
    session_name: str,
    actions: Iterable[str],
    region: str,
    duration: int = 3600,
    source_identity: str = "",
    clock: Clock = utc_now,
) -> AssumedRole:
    """Assume the scan role of an account with the hub's credentials. Raises AssumeError.

    external_id None omits it, which only the doctor does (to prove that AWS then refuses).
    """
    if external_id == "":
        raise AssumeError(
            "No external id is set.", "Set TUTELA_EXTERNAL_ID to the external id in the scan role's trust policy."
        )
    params: dict[str, Any] = {
        "RoleArn": f"arn:{partition}:iam::{account_id}:role/{role}",
        "RoleSessionName": INVALID_NAME_CHARACTERS.sub("-", session_name)[:64],
        "DurationSeconds": duration,
        "Policy": build_session_policy(actions),
    }
    if external_id is not None:
        params["ExternalId"] = external_id
    if source_identity:
        params["SourceIdentity"] = INVALID_NAME_CHARACTERS.sub("-", source_identity)[:64]

    def fetch() -> tuple[ReadOnlyCredentials, datetime]:
        # Always as the hub: a refresh may happen in the middle of a read that acts as the role itself.
        with acting_as(None):
            return request_credentials(params, region)

    return AssumedRole(account_id, fetch, clock)


class AssumedRole:
    """Credentials of a scan role, renewed after 80 % of their lifetime by the first thread that needs them."""

    def __init__(self, account_id: str, fetch: Fetch, clock: Clock = utc_now) -> None:
        self.account_id = account_id
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._credentials: ReadOnlyCredentials
        self._expires: datetime
        self._refresh_at: datetime
        self._take()

    def credentials(self) -> ReadOnlyCredentials:
        now = self._clock()
        if now >= self._refresh_at:
            self._refresh_credentials(now)
        return self._credentials

    def _refresh_credentials(self, now: datetime) -> None:
        usable = now < self._expires - REFRESH_MARGIN
        # While the old ones are valid, one thread renews and the others continue.
        if not self._lock.acquire(blocking=not usable):
            return
        try:
            # Another thread may have renewed them while this one waited for the lock.
            if now < self._refresh_at:
                return
            self._take()
        except AssumeError as error:
            if not usable:
                raise
            # The old credentials are still valid: keep them, and don't try again at every call.
            self._refresh_at = now + REFRESH_MARGIN
            log.warning("assume.refresh_failed", account=self.account_id, code=error.code)
        finally:
            self._lock.release()

    def _take(self) -> None:
        credentials, expires = self._fetch()
        now = self._clock()
        self._credentials, self._expires = credentials, expires
        self._refresh_at = now + (expires - now) * REFRESH_FRACTION

    def __repr__(self) -> str:
        return f"<AssumedRole {self.account_id}>"


def build_session_policy(actions: Iterable[str]) -> str:
    """The session policy for these actions. Raises AssumeError if STS would not take it."""
    text = render_session_policy(actions)
    if len(text) > POLICY_LIMIT:
        raise AssumeError(
            f"The session policy has {len(text)} characters; STS takes {POLICY_LIMIT}.",
            "Scan fewer controls at a time (--control), so that fewer actions are needed.",
            "PackedPolicyTooLarge",
        )
    return text


def request_credentials(params: dict[str, Any], region: str) -> tuple[ReadOnlyCredentials, datetime]:
    def attempt() -> dict[str, Any]:
        try:
            answer: dict[str, Any] = session.client("sts", region).assume_role(**params)["Credentials"]
        except CALL_EXCEPTIONS as exc:
            raise classify_error(exc, ASSUME_ROLE_CALL, region) from exc
        if not isinstance(answer.get("Expiration"), datetime):
            raise classify_error(TypeError("no time"), ASSUME_ROLE_CALL, region)
        if not all(answer.get(name) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")):
            raise classify_error(KeyError("no credentials"), ASSUME_ROLE_CALL, region)
        return answer

    try:
        given = _retrier.run(_retrier.budget_for("hub", region, "sts"), attempt, lambda: None)
    except CallError as error:
        raise explain_refusal(error, params["RoleArn"], region) from error
    frozen = ReadOnlyCredentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], None)
    expires: datetime = given["Expiration"]
    return frozen, expires
