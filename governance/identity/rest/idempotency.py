"""Idempotency-Key: a POST that is sent again within 24 hours gets the first one's answer and acts once.

The row is claimed first, in a transaction of its own; then act and answer commit together. So whatever
dies in between has done nothing, and the same key may be used again once the claim has grown old. Only
successes are kept: a refused request did nothing, and may be mended and sent again under its key.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from governance.core.models import IdempotencyRecord
from governance.identity.rest.permission import actor_of_request
from governance.identity.rest.problems import ConflictError, KeyReusedError

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT = timedelta(hours=24)
# Longer than a web worker lets a request run: past this, whoever claimed the key is dead.
CLAIM = timedelta(minutes=5)
KEY = re.compile(r"[!-~]{1,255}")
KEPT_HEADERS = ("Location", "ETag")
BUSY = "The first request with this Idempotency-Key is still running. Send it again in a moment."

Rows = IdempotencyRecord.objects


def once(request: Request, act: Callable[[], Response]) -> Response:
    """act's answer; for a key that was used before, the answer it was given then."""
    key = request.headers.get(HEADER)
    if key is None:
        return act()
    row = claim(principal_of(request), checked(key), fingerprint_of(request))
    return answer(row, act) if row.status is None else replayed(row)


def checked(key: str) -> str:
    bare = key.strip().removeprefix('"').removesuffix('"')
    if not KEY.fullmatch(bare):
        raise ValidationError({HEADER: ["It must be 1 to 255 visible ASCII characters, like a UUID."]})
    return bare


def principal_of(request: Request) -> str:
    """Whose key it is: the token's, or the person's."""
    token = getattr(request.auth, "pk", None)
    return f"token:{token}" if token is not None else f"user:{actor_of_request(request).user_id}"


def fingerprint_of(request: Request) -> str:
    parts = [request.method, request.path, sorted(request.query_params.items()), request.data]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def claim(principal: str, key: str, fingerprint: str) -> IdempotencyRecord:
    """The row of this key: ours to answer (status is None), or one that has its answer.

    Raises KeyReusedError, and ConflictError while the first request runs.
    """
    now, word = timezone.now(), secrets.token_hex(16)
    Rows.filter(created_at__lt=now - KEPT).delete()
    fresh = IdempotencyRecord(
        principal=principal, key=key, fingerprint=fingerprint, claim=word, claimed_at=now, created_at=now
    )
    # Of two at once the database lets one in; the other then reads that one's row.
    Rows.bulk_create([fresh], ignore_conflicts=True)
    row = Rows.filter(principal=principal, key=key).first()
    if row is None:
        raise ConflictError(BUSY)  # the first request was refused just now and gave its key back
    if row.fingerprint != fingerprint:
        raise KeyReusedError
    if row.claim == word or row.status is not None:
        return row
    if row.claimed_at > now - CLAIM or not take_over(row, word):
        raise ConflictError(BUSY)
    return row


def take_over(row: IdempotencyRecord, word: str) -> bool:
    """Claim a row whose process died; False if somebody else was quicker."""
    now = timezone.now()
    taken = Rows.filter(pk=row.pk, claim=row.claim, status=None).update(claim=word, claimed_at=now, created_at=now)
    row.claim = word
    return bool(taken)


def answer(row: IdempotencyRecord, act: Callable[[], Response]) -> Response:
    mine = Rows.filter(pk=row.pk, claim=row.claim, status=None)
    try:
        with transaction.atomic():
            response = act()
            keep(mine, response)
    except BaseException:
        mine.delete()
        raise
    return response


def keep(mine: QuerySet[IdempotencyRecord], response: Response) -> None:
    """Raises ConflictError if the key was taken over: then the other one acts, and this act is rolled back."""
    headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    body = JSONRenderer().render(response.data).decode()
    if not mine.update(status=response.status_code, headers=headers, body=body):
        raise ConflictError(BUSY)


def replayed(row: IdempotencyRecord) -> Response:
    body: Any = json.loads(row.body) if row.body else None
    return Response(body, status=row.status, headers={**row.headers, REPLAYED: "true"})
