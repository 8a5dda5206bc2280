"""Findings: list and look."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries import visible_accounts
from governance.core.policy import Permission
from governance.identity.rest.parsing import PageQuery
from governance.identity.rest.problems import refusing
from governance.identity.rest.views import Answer, Api
from scans import exports, registry
from scans.control import Severity, Verdict
from scans.models import Finding
from scans.queries import detail
from scans.queries import findings as queries
from scans.queries.findings import STATES, FilterError, FindingFilter

EVENTS = 100


class FindingQuery(PageQuery):
    control = serializers.CharField(default="", allow_blank=True, help_text="A control's id, or a group like PS.")
    severity = serializers.ChoiceField([str(s) for s in Severity], default="", allow_blank=True)
    account = serializers.CharField(default="", allow_blank=True, help_text="An account id.")
    ou = serializers.CharField(default="", allow_blank=True, help_text="An OU's id, with the OUs below it, or none.")
    region = serializers.CharField(default="", allow_blank=True)
    state = serializers.ChoiceField(STATES, default="open", allow_blank=True)
    verdict = serializers.ChoiceField([str(v) for v in Verdict], default="", allow_blank=True)
    q = serializers.CharField(default="", allow_blank=True, help_text="A part of the ARN, reason or account's name.")


class GapSerializer(serializers.Serializer[Any]):
    """A value that could not be read."""

    api = serializers.CharField()
    action = serializers.CharField()
    region = serializers.CharField()
    code = serializers.CharField()


class FindingSerializer(serializers.Serializer[Any]):
    """The same columns as an export's lines. evidence: the digest of what was read."""

    fingerprint = serializers.CharField()
    control = serializers.CharField()
    severity = serializers.CharField()
    account = serializers.CharField()
    region = serializers.CharField()
    resource = serializers.CharField()
    state = serializers.CharField()
    verdict = serializers.CharField()
    reason = serializers.CharField()
    gaps = GapSerializer(many=True)
    evidence = serializers.CharField()
    first_seen = serializers.CharField()
    changed_at = serializers.CharField()
    resolved_at = serializers.CharField(allow_null=True)
    resolution = serializers.CharField()
    reopen_count = serializers.IntegerField()

    def to_representation(self, instance: Finding) -> Any:
        return exports.finding_line(instance)


class FindingEventSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    verdict = serializers.CharField()
    reason = serializers.CharField()
    evidence = serializers.CharField()
    scan = serializers.IntegerField(source="scan_id", allow_null=True)


class FixSerializer(serializers.Serializer[Any]):
    """What to do, with the resource's own ids. code is of code_kind: terraform or cloudformation."""

    summary = serializers.CharField()
    cli = serializers.CharField()
    code = serializers.CharField()
    code_kind = serializers.CharField()


class FactSerializer(serializers.Serializer[Any]):
    """gap: why the value could not be read; null where it was."""

    name = serializers.CharField()
    value = serializers.JSONField(allow_null=True)
    gap = serializers.SerializerMethodField()

    @extend_schema_field(GapSerializer(allow_null=True))
    def get_gap(self, fact: detail.Fact) -> Any:
        return None if fact.gap is None else fact.gap.public()


class FindingDetailSerializer(FindingSerializer):
    """title and fix are null for a control that is no longer there. events: the latest 100, newest first."""

    title = serializers.CharField(allow_null=True)
    control_version = serializers.IntegerField()
    facts = FactSerializer(many=True)
    fix = FixSerializer(allow_null=True)
    events = FindingEventSerializer(many=True)

    def to_representation(self, instance: Finding) -> Any:
        loaded = registry.controls().get(instance.control)
        return {
            **exports.finding_line(instance),
            "title": loaded.control.title if loaded else None,
            "control_version": instance.control_version,
            "facts": FactSerializer(list(detail.facts_of(instance)), many=True).data,
            "fix": FixSerializer(detail.fix_of(instance, loaded)).data if loaded else None,
            "events": FindingEventSerializer(instance.events.all()[:EVENTS], many=True).data,
        }


class FindingApi(Api):
    permissions: ClassVar = {"list": Permission.FINDING_VIEW, "retrieve": Permission.FINDING_VIEW}
    queries: ClassVar = {"list": FindingQuery}
    answers: ClassVar = {
        "list": Answer(FindingSerializer, many=True),
        "retrieve": Answer(FindingDetailSerializer),
    }

    def list(self, _request: Request) -> Response:
        """The Findings of the Accounts that you may see, newest first; the open ones unless state says otherwise."""
        visible = visible_accounts(self.actor, Permission.FINDING_VIEW)
        with refusing(FilterError, as_=ValidationError):
            wanted = FindingFilter.parse({name: value for name, value in self.query.items() if isinstance(value, str)})
        page = self.paged(queries.filtered(visible, wanted))
        return self.page(page.rows, page.next)

    def retrieve(self, _request: Request, fingerprint: str) -> Response:
        """One Finding by its fingerprint, with its history and its fix."""
        visible = visible_accounts(self.actor, Permission.FINDING_VIEW)
        rows = queries.visible_findings(visible).select_related("account__organization")
        found = rows.filter(fingerprint=fingerprint).first()
        if found is None:
            raise Http404
        return self.answer(found)
