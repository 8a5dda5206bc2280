"""ETag and If-Match: a client can change only the version that it has read."""

from __future__ import annotations

import hashlib
import json

from django.utils.http import parse_etags
from rest_framework.request import Request

from governance.rest.problems import PreconditionRequiredError, StaleError


def compute_etag(*parts: object) -> str:
    """A strong ETag over the parts that make up a version, such as an id and a counter."""
    return '"' + hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:32] + '"'


def require_match(request: Request, current: str) -> None:
    """Raises PreconditionRequiredError (428) without If-Match, StaleError (412) if it names another version."""
    # "*" matches every version, which is what the header is to prevent, so it counts as missing.
    given = parse_etags(request.headers.get("If-Match", ""))
    if not given or given == ["*"]:
        raise PreconditionRequiredError
    if current not in given:
        raise StaleError
