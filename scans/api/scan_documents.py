"""How the API shows a Scan, its progress and its gaps."""

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
    """What it was asked to read. whole: the whole Organization. Only what you may see is named."""

    whole = serializers.BooleanField()
    accounts = serializers.ListField(child=serializers.CharField())
    ous = serializers.ListField(child=serializers.CharField())
    regions = serializers.ListField(child=serializers.CharField(), help_text="Empty: all.")
    controls = serializers.ListField(child=serializers.CharField(), help_text="Empty: all.")


class ScanSerializer(serializers.Serializer[Any]):
    """One run. accounts counts those that you may see: each was read, is unreadable (closed: since AWS lets nobody in),
    was cancelled before it was read, or has not ended. ended never goes down: a second visit takes nothing back."""

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
    """What ScanSerializer shows, in few queries however many Scans there are."""
    return queries.list_scan_lines(scans, visible)


class VerdictCountsSerializer(serializers.Serializer[Any]):
    """How many outcomes have each verdict."""

    def get_fields(self) -> dict[str, Any]:
        return {name: serializers.IntegerField() for name in ("pass", "fail", "unknown", "not_applicable")}


class ProgressSerializer(serializers.Serializer[Any]):
    """Where a Scan is, over the Accounts that you may see. gaps and verdicts are of those that were read: where read is
    0 they say nothing. ended never goes down: an account that was read once counts, though it may be running again.
    seconds_left: a guess, null while there is none."""

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


def progress_document(scan: Scan, said: ScanProgress) -> dict[str, Any]:
    names = ("over", "accounts", "ended", "running", "read", "unreadable", "closed", "cancelled", "calls", "gaps")
    return {
        "state": scan.state,
        **{name: getattr(said, name) for name in names},
        "verdicts": dict(said.by_verdict()),
        "seconds_left": None if said.left is None else round(said.left.total_seconds()),
    }


class ScanGapSerializer(serializers.Serializer[Any]):
    """One refusal, wherever it happened. what: a few words that follow the API's name."""

    kind = serializers.CharField()
    what = serializers.CharField()
    api = serializers.CharField()
    action = serializers.CharField()
    code = serializers.CharField()
    regions = serializers.ListField(child=serializers.CharField(), source="sorted_regions")
    accounts = serializers.ListField(child=serializers.CharField())
    times = serializers.IntegerField()


class UnreadTargetSerializer(serializers.Serializer[Any]):
    """An Account that could not be read at all."""

    account = serializers.CharField(source="account.account_id")
    name = serializers.CharField(source="account.name")
    reason = serializers.CharField(source="error.reason")
    what_to_do = serializers.CharField(source="error.what_to_do", default="")


class NotReadSerializer(serializers.Serializer[Any]):
    """An Account that the Scan did not read, for whatever reason: what it lacks is in no gap."""

    account = serializers.CharField(source="account.account_id")
    name = serializers.CharField(source="account.name")
    state = serializers.ChoiceField(sorted({*TARGET_ENDED, "queued", "running"} - {"done"}))


class ScanErrorSerializer(serializers.Serializer[Any]):
    """What failed inside the portal at the Scan's end, of no single Account."""

    what = serializers.CharField()
    reason = serializers.CharField()
    what_to_do = serializers.CharField()


class GapsSerializer(serializers.Serializer[Any]):
    gaps = ScanGapSerializer(many=True)
    unreadable = UnreadTargetSerializer(many=True)
    not_read = NotReadSerializer(many=True)
    internal_errors = ScanErrorSerializer(many=True, required=False)
