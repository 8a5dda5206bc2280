"""The API's documents of a Scan, its progress and its gaps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from accounts.models import Account
from governance.core.states import TARGET_ENDED
from scans.models import Scan
from scans.queries import scans as queries
from scans.queries.scans import ScanProgress


class AskedSerializer(serializers.Serializer[Any]):
    """The scope of a Scan. whole: the whole Organization. Only what you can see is listed."""

    whole = serializers.BooleanField()
    accounts = serializers.ListField(child=serializers.CharField())
    ous = serializers.ListField(child=serializers.CharField())
    regions = serializers.ListField(child=serializers.CharField(), help_text="Empty means all.")
    controls = serializers.ListField(child=serializers.CharField(), help_text="Empty means all.")


class ScanSerializer(serializers.Serializer[Any]):
    """One scan. accounts: how many you can see. Each was read, is unreadable, was cancelled before it was read, or has
    not ended. closed: of the unreadable, those closed by AWS. ended never goes down, not even for a second visit."""

    id = serializers.IntegerField(source="scan.pk")
    organization = serializers.CharField(source="scan.organization.org_id")
    state = serializers.CharField(source="scan.state")
    started_by = serializers.CharField(source="scan.started_by")
    asked = AskedSerializer()
    created_at = serializers.DateTimeField(source="scan.created_at")
    finished_at = serializers.DateTimeField(source="scan.finished_at", allow_null=True)
    accounts = serializers.IntegerField()
    ended = serializers.IntegerField()
    read = serializers.IntegerField()
    unreadable = serializers.IntegerField()
    closed = serializers.IntegerField()
    cancelled = serializers.IntegerField()


def load_scan_documents(scans: Iterable[Scan], visible: QuerySet[Account]) -> list[queries.ScanLine]:
    """The input of ScanSerializer, in few queries for any number of Scans."""
    return queries.list_scan_lines(scans, visible)


class VerdictCountsSerializer(serializers.Serializer[Any]):
    """How many outcomes have each verdict."""

    def get_fields(self) -> dict[str, Any]:
        return {name: serializers.IntegerField() for name in ("pass", "fail", "unknown", "not_applicable")}


class ProgressSerializer(serializers.Serializer[Any]):
    """The progress of a Scan over the Accounts that you can see. gaps and verdicts are about those that were read; if
    read is 0, they mean nothing. ended never goes down: an account that was read once keeps counting.
    seconds_left: an estimate, or null."""

    state = serializers.CharField()
    over = serializers.BooleanField()
    accounts = serializers.IntegerField()
    ended = serializers.IntegerField()
    running = serializers.IntegerField()
    read = serializers.IntegerField()
    unreadable = serializers.IntegerField()
    closed = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    calls = serializers.IntegerField()
    gaps = serializers.IntegerField()
    verdicts = VerdictCountsSerializer()
    seconds_left = serializers.IntegerField(allow_null=True)


def progress_document(scan: Scan, progress: ScanProgress) -> dict[str, Any]:
    names = ("over", "accounts", "ended", "running", "read", "unreadable", "closed", "cancelled", "calls", "gaps")
    return {
        "state": scan.state,
        **{name: getattr(progress, name) for name in names},
        "verdicts": dict(progress.by_verdict()),
        "seconds_left": None if progress.left is None else round(progress.left.total_seconds()),
    }


class ScanGapSerializer(serializers.Serializer[Any]):
    """One kind of refused call, with all places where it happened. what: words that follow the API's name."""

    kind = serializers.CharField()
    what = serializers.CharField()
    api = serializers.CharField()
    action = serializers.CharField()
    code = serializers.CharField()
    regions = serializers.ListField(child=serializers.CharField(), source="sorted_regions")
    accounts = serializers.ListField(child=serializers.CharField())
    times = serializers.IntegerField()
    what_to_do = serializers.CharField(source="todo")


class UnreadTargetSerializer(serializers.Serializer[Any]):
    """An Account that could not be read at all."""

    account = serializers.CharField(source="account.account_id")
    name = serializers.CharField(source="account.name")
    reason = serializers.CharField(source="error.reason")
    what_to_do = serializers.CharField(source="error.what_to_do", default="")


class NotReadSerializer(serializers.Serializer[Any]):
    """An Account that the Scan did not read, for any reason. It has no gaps in the list."""

    account = serializers.CharField(source="account.account_id")
    name = serializers.CharField(source="account.name")
    state = serializers.ChoiceField(sorted({*TARGET_ENDED, "queued", "running"} - {"done"}))


class ScanErrorSerializer(serializers.Serializer[Any]):
    """An error inside the portal that belongs to no single Account."""

    what = serializers.CharField()
    reason = serializers.CharField()
    what_to_do = serializers.CharField()


class GapsSerializer(serializers.Serializer[Any]):
    gaps = ScanGapSerializer(many=True)
    unreadable = UnreadTargetSerializer(many=True)
    not_read = NotReadSerializer(many=True)
    internal_errors = ScanErrorSerializer(many=True, required=False)
