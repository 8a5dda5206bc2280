"""Idempotency-Key: a POST that is repeated within 24 hours acts once and gets the first answer again.

1. claim: a row for the key, in a transaction of its own;
2. run: a second transaction locks the row, acts, and stores the answer; act and answer commit together;
3. release: if the act was refused or failed, the row is deleted, and the same key can be used again.

A process that dies in step 2 has done nothing, and the database gives its lock back. So the lock tells a running
request from a dead one. It is not a claim of governance.core.claims, which ends when its time has passed: an act may
take longer than any lease.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from governance.core.models import IdempotencyRecord
from governance.rest.permission import get_api_actor
from governance.rest.problems import ConflictError, KeyReusedError

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
RECORD_LIFETIME = timedelta(hours=24)
# Longer than the time from the claim to the lock. After it, a claim without its lock belongs to a dead process.
CLAIM_TIMEOUT = timedelta(seconds=10)
MAX_CLAIM_TRIES = 3
KEY_PATTERN = re.compile(r"[!-~]{1,255}")
STORED_HEADERS = ("Location", "ETag")
STILL_RUNNING_MESSAGE = (
    "The first request with this Idempotency-Key is still running. Send it again after Retry-After seconds."
)

log = structlog.get_logger(__name__)
Records = IdempotencyRecord.objects


class StillRunningError(ConflictError):
    """The first request with this key hasn't ended. wait: seconds until another attempt makes sense."""

    def __init__(self, wait: float = 1) -> None:
        super().__init__(STILL_RUNNING_MESSAGE)
        self.wait = max(1.0, wait)


def run_once(request: Request, act: Callable[[], Response]) -> Response:
    """The answer of act; for a key that was used before, the stored answer."""
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return act()
    row = claim_idempotency_key(identify_principal(request), parse_idempotency_key(key), fingerprint_request(request))
    return run_and_store(row, act) if row.status is None else replay_response(row)


def parse_idempotency_key(key: str) -> str:
    # The draft standard quotes the key, most clients don't: both forms are the same key.
    bare = key.strip().removeprefix('"').removesuffix('"')
    if not KEY_PATTERN.fullmatch(bare):
        raise ValidationError({KEY_HEADER: ["Use 1 to 255 visible ASCII characters, such as a UUID."]})
    return bare


def identify_principal(request: Request) -> str:
    """The owner of the key: the token, or the person. Two of them can use the same key without meeting."""
    token = getattr(request.auth, "pk", None)
    return f"token:{token}" if token is not None else f"user:{get_api_actor(request).user_id}"


def fingerprint_request(request: Request) -> str:
    parts = [request.method, request.path, sorted(request.query_params.items()), request.data]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def claim_idempotency_key(principal: str, key: str, fingerprint: str) -> IdempotencyRecord:
    """The row of this key: claimed by this request (status is None), or with its answer.

    Raises KeyReusedError, and StillRunningError while the first request runs.
    """
    now, claim = timezone.now(), secrets.token_hex(16)
    # Old rows are deleted on the way: a task of its own isn't worth it, and the column has an index.
    Records.filter(created_at__lt=now - RECORD_LIFETIME).delete()
    fresh = IdempotencyRecord(
        principal=principal, key=key, fingerprint=fingerprint, claim=claim, claimed_at=now, created_at=now
    )
    row = insert_or_read(fresh)
    # Another body under the same key is a mistake of the client; the first answer would be a wrong one.
    if row.fingerprint != fingerprint:
        raise KeyReusedError
    if row.claim == claim or row.status is not None:
        return row
    if row.claimed_at > now - CLAIM_TIMEOUT:
        raise StillRunningError((row.claimed_at + CLAIM_TIMEOUT - now).total_seconds())
    if not take_over_claim(row, claim):
        raise StillRunningError
    return row


def insert_or_read(fresh: IdempotencyRecord) -> IdempotencyRecord:
    """Insert the row or read the existing one. Of two requests at once, the database lets one insert."""
    for _ in range(MAX_CLAIM_TRIES):
        Records.bulk_create([fresh], ignore_conflicts=True)
        row = Records.filter(principal=fresh.principal, key=fresh.key).first()
        if row is not None:
            return row
        # Gone between the two statements: the first request was refused and released the key. It can be claimed now.
    raise StillRunningError


def take_over_claim(row: IdempotencyRecord, claim: str) -> bool:
    """Claim a row whose process died; False if that one still runs, or if another request was faster."""
    now = timezone.now()
    with transaction.atomic():
        # skip_locked: a running request holds the lock, so the row isn't found. SQLite has no row locks; there, a
        # running request is the only writer and keeps this transaction from beginning.
        free = Records.select_for_update(skip_locked=True).filter(pk=row.pk, claim=row.claim, status=None)
        taken = bool(list(free)) and free.update(claim=claim, claimed_at=now, created_at=now)
    row.claim = claim
    return bool(taken)


def run_and_store(row: IdempotencyRecord, act: Callable[[], Response]) -> Response:
    mine = Records.filter(pk=row.pk, claim=row.claim, status=None)
    try:
        with transaction.atomic():
            lock_own_record(mine)
            response = act()
            if did_nothing(response):
                mine.delete()
            else:
                store_response(mine, response)
    # For every error, also the end of the process: nothing was committed, so the same request may be sent again.
    except BaseException:
        release_key(mine)
        raise
    return response


def lock_own_record(mine: QuerySet[IdempotencyRecord]) -> None:
    """Lock the row until the transaction ends. Raises StillRunningError if the key was taken over meanwhile."""
    if not list(mine.select_for_update()):
        raise StillRunningError


def did_nothing(response: Response) -> bool:
    """True for a refused request, and for a bulk request whose items were all refused. It may be sent again."""
    if response.status_code >= 400:
        return True
    results = response.data.get("results") if isinstance(response.data, dict) else None
    return bool(results) and all(isinstance(item, dict) and item.get("problem") for item in results or ())


def release_key(mine: QuerySet[IdempotencyRecord]) -> None:
    """Release the key, over a new connection if the old one was lost."""
    # Without any connection it is only logged: the request's own error counts, and the claim ends after CLAIM_TIMEOUT.
    try:
        try:
            mine.delete()
        except DatabaseError:
            connection.close()
            mine.delete()
    except DatabaseError as error:
        log.warning(
            "idempotency.key_not_given_back", why=type(error).__name__, free_after=CLAIM_TIMEOUT.total_seconds()
        )


def store_response(mine: QuerySet[IdempotencyRecord], response: Response) -> None:
    """Raises StillRunningError if the key was taken over: the other request acts, and this one is rolled back."""
    headers = {name: response[name] for name in STORED_HEADERS if name in response}
    body = JSONRenderer().render(response.data).decode()
    if not mine.update(status=response.status_code, headers=headers, body=body):
        raise StillRunningError


def replay_response(row: IdempotencyRecord) -> Response:
    body: Any = json.loads(row.body) if row.body else None
    return Response(body, status=row.status, headers={**row.headers, REPLAYED_HEADER: "true"})
