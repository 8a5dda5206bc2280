"""ETag and If-Match: nobody changes what they haven't seen."""

from __future__ import annotations

import hashlib
import json

from django.utils.http import parse_etags
from rest_framework.request import Request

from governance.rest.problems import PreconditionRequiredError, StaleError


def compute_etag(*parts: object) -> str:
    """A strong ETag over what makes the version: an id and a counter, or whatever was shown."""
    return '"' + hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:32] + '"'


def require_match(request: Request, current: str) -> None:
    """Raises PreconditionRequiredError (428) without If-Match, StaleError (412) if it names another version.

    `*` is refused like nothing: it says "whatever it is now", which is what the header is there to prevent.
    """
    given = parse_etags(request.headers.get("If-Match", ""))
    if not given or given == ["*"]:
        raise PreconditionRequiredError
    if current not in given:
        raise StaleError
