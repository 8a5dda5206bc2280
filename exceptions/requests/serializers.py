"""How the API shows exception requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from accounts.models import Account
from exceptions.common.request_scope import count_named_findings, describe_scope, find_partly_hidden
from exceptions.models import ExceptionRequest
from exceptions.requests.supersession import MAX_LINES, find_uncovered_findings
from exceptions.rules import effective_state
from scans.api.extent import ExtentSerializer
from scans.models import Finding


class SupersededSerializer(serializers.Serializer[Any]):
    """Fingerprints. superseded_by: of the Finding that stands for this one, where it is known."""

    finding = serializers.CharField()
    superseded_by = serializers.CharField(allow_null=True)


class ExceptionSerializer(serializers.Serializer[Any]):
    """status: the state as of now: an approved request is pending, active or expired. quorum: the approvers needed.

    superseded: the first 100 of its Findings that ended because others stand for them, which it doesn't cover.
    """

    id = serializers.IntegerField()
    reference = serializers.CharField()
    status = serializers.CharField()
    state = serializers.CharField()
    version = serializers.IntegerField()
    scope_kind = serializers.CharField()
    scope = serializers.CharField()
    control = serializers.CharField()
    account = serializers.CharField()
    ou = serializers.CharField()
    tag_key = serializers.CharField()
    tag_value = serializers.CharField()
    resource = serializers.CharField()
    region = serializers.CharField()
    severity = serializers.CharField()
    justification = serializers.CharField()
    business_owner = serializers.CharField()
    compensation = serializers.CharField()
    compensating_controls = serializers.ListField(child=serializers.CharField())
    requested_by = serializers.CharField()
    on_behalf_of = serializers.CharField()
    starts_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    submitted_at = serializers.DateTimeField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    quorum = serializers.IntegerField()
    renews = serializers.IntegerField(allow_null=True)
    drift = serializers.ListField(child=serializers.DictField())
    superseded = SupersededSerializer(many=True)


COLUMNS = (
    "id",
    "reference",
    "state",
    "version",
    "scope_kind",
    "control",
    "tag_key",
    "tag_value",
    "resource",
    "region",
    "severity",
    "justification",
    "business_owner",
    "compensation",
    "compensating_controls",
    "starts_at",
    "expires_at",
    "submitted_at",
    "decided_at",
    "ended_at",
    "quorum",
)


def build_exception_documents(
    requests: Iterable[ExceptionRequest], now: datetime, visible: QuerySet[Account]
) -> list[dict[str, Any]]:
    """visible: the reader's accounts. For a reader who sees a part of the scope, drift lists its kinds only."""
    rows = list(requests)
    named = count_named_findings(rows, visible)
    partly = find_partly_hidden([row for row in rows if row.drift], visible)
    lost = find_uncovered_findings(rows, visible)
    return [
        build_exception_document(row, now, named.get(row.pk, 0), in_general=row.pk in partly)
        | {"superseded": build_superseded_documents(lost.get(row.pk, ()))}
        for row in rows
    ]


def build_superseded_documents(lost: Sequence[Finding]) -> list[dict[str, str | None]]:
    return [
        {"finding": row.fingerprint, "superseded_by": row.superseded_by.fingerprint if row.superseded_by else None}
        for row in lost[:MAX_LINES]
    ]


def build_exception_document(
    request: ExceptionRequest, now: datetime, named: int, *, in_general: bool
) -> dict[str, Any]:
    kinds = dict.fromkeys(d["kind"] for d in request.drift)
    drift = [{"kind": kind} for kind in kinds] if in_general else request.drift
    return {
        **{name: getattr(request, name) for name in COLUMNS},
        "drift": drift,
        "status": effective_state(request.state, request.starts_at, request.expires_at, now),
        "scope": describe_scope(request, named),
        "account": request.account.account_id if request.account else "",
        "ou": request.ou.ou_id if request.ou else "",
        "requested_by": request.requested_by.get_username(),
        "on_behalf_of": request.behalf,
        "renews": request.renews_id,
    }


class CountSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    findings = serializers.IntegerField()


class PreviewSerializer(serializers.Serializer[Any]):
    """What the request covers now, within your access, and in words what it would cover later.

    whole: you can see every account in the scope; otherwise the counts leave the others out. read: how far the
    accounts were read.
    """

    accounts = serializers.IntegerField()
    findings = serializers.IntegerField()
    by_severity = CountSerializer(many=True)
    by_account = CountSerializer(many=True)
    to_come = serializers.CharField()
    whole = serializers.BooleanField()
    read = ExtentSerializer()


class CommentSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    by = serializers.CharField(source="by.username", allow_null=True)
    text = serializers.CharField()
