"""How the API shows tickets."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from exceptions.models import Ticket


class TicketItemSerializer(serializers.Serializer[Any]):
    """open: it still fails. proof: the digest of the evidence under which it passed. superseded_by: the fingerprint of
    the Finding that stands for a superseded one, where it is known."""

    fingerprint = serializers.CharField(source="finding.fingerprint")
    resource = serializers.CharField(source="finding.resource")
    open = serializers.BooleanField()
    proof = serializers.CharField()
    superseded_by = serializers.CharField(
        source="finding.superseded_by.fingerprint", default=None, allow_null=True, read_only=True
    )


class TicketSerializer(serializers.Serializer[Any]):
    """overdue: as of now. verification: the id of the Scan that verifies a claimed fix."""

    id = serializers.IntegerField()
    reference = serializers.CharField()
    state = serializers.CharField()
    version = serializers.IntegerField()
    account = serializers.CharField(source="account.account_id")
    control = serializers.CharField()
    region = serializers.CharField()
    severity = serializers.CharField()
    tracker = serializers.CharField()
    external_id = serializers.CharField()
    title = serializers.CharField()
    note = serializers.CharField()
    assignee = serializers.CharField()
    proposed_at = serializers.DateTimeField()
    approved_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    overdue = serializers.SerializerMethodField()
    claimed_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    reopened = serializers.IntegerField()
    verification = serializers.IntegerField(source="verification_id", allow_null=True)
    items = TicketItemSerializer(many=True, source="shown_items")

    def get_overdue(self, ticket: Ticket) -> bool:
        return ticket.overdue_at(self.context["now"])
