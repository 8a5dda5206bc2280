"""Idempotency-Key: a POST that is sent again within 24 hours gets the first one's answer and acts once.

The row is claimed first, in a transaction of its own; then act and answer commit together, in a transaction that
holds the row's lock. So a process that dies in between has done nothing, and the lock, which the database gives back
by itself, tells a request that runs from one that is dead. (So this is no claim of governance.core.claims, which ends
when its time has passed: an act may take longer than any lease.) Only successes are kept: a request that was refused or
broke did nothing, gives its key back at once, and may be sent again under it.
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
# Longer than it takes from the claim to the lock: past this, a claim without its lock belongs to a dead process.
CLAIM_TIMEOUT = timedelta(seconds=10)
MAX_CLAIM_TRIES = 3
KEY_PATTERN = re.compile(r"[!-~]{1,255}")
STORED_HEADERS = ("Location", "ETag")
STILL_RUNNING_MESSAGE = "The first request with this Idempotency-Key is still running. Send it again in a moment."

log = structlog.get_logger(__name__)
Records = IdempotencyRecord.objects


class StillRunningError(ConflictError):
    """The first request with this key hasn't ended. wait: seconds until it is worth sending it again."""

    def __init__(self, wait: float = 1) -> None:
        super().__init__(STILL_RUNNING_MESSAGE)
        self.wait = max(1.0, wait)


def run_once(request: Request, act: Callable[[], Response]) -> Response:
    """act's answer; for a key that was used before, the answer it was given then."""
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return act()
    row = claim_idempotency_key(identify_principal(request), parse_idempotency_key(key), fingerprint_request(request))
    return run_and_store(row, act) if row.status is None else replay_response(row)


def parse_idempotency_key(key: str) -> str:
    bare = key.strip().removeprefix('"').removesuffix('"')
    if not KEY_PATTERN.fullmatch(bare):
        raise ValidationError({KEY_HEADER: ["It must be 1 to 255 visible ASCII characters, like a UUID."]})
    return bare


def identify_principal(request: Request) -> str:
    """Whose key it is: the token's, or the person's."""
    token = getattr(request.auth, "pk", None)
    return f"token:{token}" if token is not None else f"user:{get_api_actor(request).user_id}"


def fingerprint_request(request: Request) -> str:
    parts = [request.method, request.path, sorted(request.query_params.items()), request.data]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def claim_idempotency_key(principal: str, key: str, fingerprint: str) -> IdempotencyRecord:
    """The row of this key: ours to answer (status is None), or one that has its answer.

    Raises KeyReusedError, and StillRunningError while the first request runs.
    """
    now, word = timezone.now(), secrets.token_hex(16)
    Records.filter(created_at__lt=now - RECORD_LIFETIME).delete()
    fresh = IdempotencyRecord(
        principal=principal, key=key, fingerprint=fingerprint, claim=word, claimed_at=now, created_at=now
    )
    row = insert_or_read(fresh)
    if row.fingerprint != fingerprint:
        raise KeyReusedError
    if row.claim == word or row.status is not None:
        return row
    if row.claimed_at > now - CLAIM_TIMEOUT:
        raise StillRunningError((row.claimed_at + CLAIM_TIMEOUT - now).total_seconds())
    if not take_over_claim(row, word):
        raise StillRunningError
    return row


def insert_or_read(fresh: IdempotencyRecord) -> IdempotencyRecord:
    """Of two at once the database lets one in; the other then reads that one's row."""
    for _ in range(MAX_CLAIM_TRIES):
        Records.bulk_create([fresh], ignore_conflicts=True)
        row = Records.filter(principal=fresh.principal, key=fresh.key).first()
        if row is not None:
            return row
        # The first request was refused just now and gave its key back: it is free.
    raise StillRunningError


def take_over_claim(row: IdempotencyRecord, word: str) -> bool:
    """Claim a row whose process died; False if that one still runs, or if somebody else was quicker."""
    now = timezone.now()
    with transaction.atomic():
        # SQLite knows no lock of a row; there the one writer that works keeps this transaction from beginning.
        free = Records.select_for_update(skip_locked=True).filter(pk=row.pk, claim=row.claim, status=None)
        taken = bool(list(free)) and free.update(claim=word, claimed_at=now, created_at=now)
    row.claim = word
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
    except BaseException:
        release_key(mine)
        raise
    return response


def lock_own_record(mine: QuerySet[IdempotencyRecord]) -> None:
    """Until the transaction ends. Raises StillRunningError if the key was taken over since it was claimed."""
    if not list(mine.select_for_update()):
        raise StillRunningError


def did_nothing(response: Response) -> bool:
    """Refused, or a bulk request of which every item was refused: the same may be sent again, and runs."""
    if response.status_code >= 400:
        return True
    results = response.data.get("results") if isinstance(response.data, dict) else None
    return bool(results) and all(isinstance(item, dict) and item.get("problem") for item in results or ())


def release_key(mine: QuerySet[IdempotencyRecord]) -> None:
    """Free the key, over a new connection where the old one was lost. Where none can be had, the claim soon grows old."""
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
    """Raises StillRunningError if the key was taken over: then the other one acts, and this act is rolled back."""
    headers = {name: response[name] for name in STORED_HEADERS if name in response}
    body = JSONRenderer().render(response.data).decode()
    if not mine.update(status=response.status_code, headers=headers, body=body):
        raise StillRunningError


def replay_response(row: IdempotencyRecord) -> Response:
    body: Any = json.loads(row.body) if row.body else None
    return Response(body, status=row.status, headers={**row.headers, REPLAYED_HEADER: "true"})
