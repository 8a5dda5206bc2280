"""Checks a draft before it is submitted, so that the page can show what is missing. Submitting checks again."""

from __future__ import annotations

from datetime import datetime, timedelta

from exceptions.common.request_scope import accounts_in_scope, severities_in_scope
from exceptions.errors import InvalidRequestError
from exceptions.models import ExceptionRequest
from exceptions.policy.policy_table import rule_for
from exceptions.requests.drafting import require_complete
from exceptions.rules import Rule, find_window_problems


def find_submission_problems(request: ExceptionRequest, now: datetime) -> dict[str, str]:
    """field -> the error with which submitting would be refused now."""
    severities = severities_in_scope(request)
    faults: dict[str, str] = {}
    try:
        require_complete(request, severities, populated=accounts_in_scope(request).exists())
    except InvalidRequestError as error:
        faults |= error.fields
    return faults | find_window_problems(
        request.starts_at, request.expires_at, rule_for(severities, request.scope_kind), now
    )


def latest_end(rule: Rule, starts_at: datetime | None, now: datetime) -> datetime:
    return max(starts_at or now, now) + timedelta(days=rule.max_days)
