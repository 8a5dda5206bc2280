"""The API of Findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from accounts.queries import visible_accounts
from governance.core.list_filters import FilterError
from governance.core.policy import NotPermittedError, Permission, is_permitted
from governance.rest.parsing import PageQuery
from governance.rest.problems import translate_service_error
from governance.rest.views import Answer, Api
from scans import hooks, registry
from scans.domain.control import Severity, Verdict
from scans.models import Finding
from scans.queries import detail, exports
from scans.queries import findings as queries
from scans.queries.extent import EXTENT_HEADER
from scans.queries.findings import STATES, FindingFilter, list_coverages

MAX_EVENTS = 100
TIME_FIELDS = ("first_seen", "changed_at", "resolved_at")
AT = serializers.DateTimeField()


class FindingQuery(PageQuery):
    control = serializers.CharField(default="", allow_blank=True, help_text="A control's id, or a group such as PS.")
    severity = serializers.ChoiceField([str(s) for s in Severity], default="", allow_blank=True)
    account = serializers.CharField(default="", allow_blank=True, help_text="An account id.")
    ou = serializers.CharField(default="", allow_blank=True, help_text="An OU's id (includes its child OUs), or none.")
    region = serializers.CharField(default="", allow_blank=True)
    state = serializers.ChoiceField(STATES, default="open", allow_blank=True)
    verdict = serializers.ChoiceField([str(v) for v in Verdict], default="", allow_blank=True)
    q = serializers.CharField(
        default="", allow_blank=True, help_text="Text in the ARN, the reason or the account's name."
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """The values of coverage are known only once the apps above have installed theirs."""
        help_text = "excepted: an active exception covers it. requested: one is requested. bare: neither."
        coverage = serializers.ChoiceField(list_coverages(), default="", allow_blank=True, help_text=help_text)
        return {**super().get_fields(), "coverage": coverage}


class GapSerializer(serializers.Serializer[Any]):
    """A value that could not be read. why: the kind, such as denied or denied_by_scp."""

    api = serializers.CharField()
    action = serializers.CharField()
    region = serializers.CharField()
    code = serializers.CharField()
    why = serializers.CharField()
    what_to_do = serializers.CharField()


class FindingSerializer(serializers.Serializer[Any]):
    """A Finding with the columns of an export. evidence: the digest of what was read.

    coverage: excepted (an active exception covers it), requested (one is requested) or empty (neither), computed at the
    time of the request. covered_by: the exception. Both are null if you can't see exceptions of the account.
    superseded_by: the fingerprint of the Finding that stands for a superseded one, where it is known.
    """

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
    first_seen = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)
    resolution = serializers.CharField()
    reopen_count = serializers.IntegerField()
    superseded_by = serializers.CharField(allow_null=True)
    coverage = serializers.CharField(allow_null=True)
    covered_by = serializers.CharField(allow_null=True)

    def to_representation(self, instance: Finding) -> Any:
        times = {name: getattr(instance, name) for name in TIME_FIELDS}
        formatted = {name: at and AT.to_representation(at) for name, at in times.items()}
        return {**exports.build_finding_record(instance), **formatted, **self.context["coverage"][instance.pk]}


class FindingEventSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    verdict = serializers.CharField()
    reason = serializers.CharField()
    evidence = serializers.CharField()
    scan = serializers.IntegerField(source="scan_id", allow_null=True)


class FixSerializer(serializers.Serializer[Any]):
    """The remediation, with the resource's own ids. code_kind: terraform or cloudformation."""

    summary = serializers.CharField()
    cli = serializers.CharField()
    code = serializers.CharField()
    code_kind = serializers.CharField()


class FactSerializer(serializers.Serializer[Any]):
    """gap: why the value could not be read; null if it was read."""

    name = serializers.CharField()
    value = serializers.JSONField(allow_null=True)
    gap = serializers.SerializerMethodField()

    @extend_schema_field(GapSerializer(allow_null=True))
    def get_gap(self, fact: detail.FindingFact) -> Any:
        return None if fact.gap is None else fact.gap.as_public_dict()


class FindingDetailSerializer(FindingSerializer):
    """A Finding with facts, fix and history. title and fix are null for a control that no longer exists.
    events: the latest 100, newest first. supersedes: the fingerprints of the first 100 Findings that it stands for."""

    title = serializers.CharField(allow_null=True)
    control_version = serializers.IntegerField()
    facts = FactSerializer(many=True)
    fix = FixSerializer(allow_null=True)
    events = FindingEventSerializer(many=True)
    supersedes = serializers.ListField(child=serializers.CharField())

    def to_representation(self, instance: Finding) -> Any:
        loaded = registry.controls().get(instance.control)
        return {
            **super().to_representation(instance),
            "title": loaded.control.title if loaded else None,
            "control_version": instance.control_version,
            "facts": FactSerializer(list(detail.list_finding_facts(instance)), many=True).data,
            "fix": FixSerializer(detail.fix_of(instance, loaded)).data if loaded else None,
            "events": FindingEventSerializer(instance.events.all()[:MAX_EVENTS], many=True).data,
            "supersedes": [row.fingerprint for row in detail.list_superseded(instance)],
        }


class FindingApi(Api):
    permissions: ClassVar = {"list": Permission.FINDING_VIEW, "retrieve": Permission.FINDING_VIEW}
    queries: ClassVar = {"list": FindingQuery}
    answers: ClassVar = {"list": Answer(FindingSerializer, many=True), "retrieve": Answer(FindingDetailSerializer)}

    def list(self, _request: Request) -> Response:
        """List the Findings of the Accounts that you can see, newest first. Without state, only open ones."""
        visible = visible_accounts(self.actor, Permission.FINDING_VIEW)
        with translate_service_error(FilterError, as_=ValidationError):
            wanted = FindingFilter.parse({name: value for name, value in self.query.items() if isinstance(value, str)})
        if wanted.coverage:
            # Filtering by coverage would otherwise reveal exceptions that the reader can't see.
            visible = visible.filter(pk__in=self.exceptions_seen(required=True).order_by().values("pk"))
        page = self.paginate_rows(queries.filter_findings(visible, wanted))
        response = self.page(page.rows, page.next, coverage=self.coverage_of(page.rows))
        response[EXTENT_HEADER] = queries.extent_for(visible, wanted).text()
        return response

    def retrieve(self, _request: Request, fingerprint: str) -> Response:
        """Get one Finding by its fingerprint, with its history and fix."""
        visible = visible_accounts(self.actor, Permission.FINDING_VIEW)
        rows = queries.visible_findings(visible).select_related("account__organization", "superseded_by")
        found = rows.filter(fingerprint=fingerprint).first()
        if found is None:
            raise Http404
        return self.answer(found, coverage=self.coverage_of([found]))

    def coverage_of(self, rows: Sequence[Finding]) -> dict[int, dict[str, str | None]]:
        """The exception that covers each of them now. None: the reader can't see it."""
        wanted = self.exceptions_seen().filter(pk__in={row.account_id for row in rows})
        seen = set(wanted.order_by().values_list("pk", flat=True))
        over = hooks.find_overlays([row for row in rows if row.account_id in seen], timezone.now())
        found: dict[int, dict[str, str | None]] = {}
        for row in rows:
            held = over.get(row.pk)
            none = "" if row.account_id in seen else None
            found[row.pk] = {"coverage": held.kind if held else none, "covered_by": held.label if held else none}
        return found

    def exceptions_seen(self, *, required: bool = False) -> QuerySet[Account]:
        """The Accounts whose exceptions the reader can see. required: raise NotPermittedError if there can be none."""
        if required and not is_permitted(self.actor, Permission.EXCEPTION_VIEW, timezone.now()):
            raise NotPermittedError("You can't see exceptions, so you can't filter by coverage.")
        return visible_accounts(self.actor, Permission.EXCEPTION_VIEW)
