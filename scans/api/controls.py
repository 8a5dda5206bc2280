"""The API of controls, with counts over the visible Accounts."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries import visible_accounts
from governance.core.policy import Permission
from governance.rest.parsing import Strict
from governance.rest.views import Answer, Api
from scans import registry
from scans.api.scan_documents import VerdictCountsSerializer
from scans.domain.control import Severity
from scans.queries import cells
from scans.registry import LoadedControl


class ControlQuery(Strict):
    severity = serializers.ChoiceField([str(s) for s in Severity], default="", allow_blank=True)
    group = serializers.CharField(default="", allow_blank=True, help_text="The letters in the id, such as PS.")


class ControlSerializer(serializers.Serializer[Any]):
    """A control. quote: the sentence that it enforces. resources: how many that you can see have each verdict.
    judged: whether it was judged in any Account. If not, resources means nothing."""

    id = serializers.CharField()
    title = serializers.CharField()
    group = serializers.CharField()
    severity = serializers.CharField()
    scope = serializers.CharField()
    version = serializers.IntegerField()
    statements = serializers.ListField(child=serializers.CharField())
    quote = serializers.CharField()
    frameworks = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    resources = serializers.SerializerMethodField()
    judged = serializers.SerializerMethodField()

    def get_judged(self, control: Any) -> bool:
        return control.id in self.context["counts"]

    @extend_schema_field(VerdictCountsSerializer)
    def get_resources(self, control: Any) -> dict[str, int]:
        return dict(self.context["counts"].get(control.id, cells.NO_COUNTS).by_verdict())


class RemediationSerializer(serializers.Serializer[Any]):
    """Templates with the placeholders {arn}, {name}, {account}, {region}, {partition} and {fact}."""

    summary = serializers.CharField()
    cli = serializers.CharField()
    code = serializers.CharField()
    code_kind = serializers.CharField()


class ControlDetailSerializer(ControlSerializer):
    """A control with its documentation (Markdown). facts: resource type -> facts that it judges. related: others."""

    documentation = serializers.SerializerMethodField()
    facts = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    related = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    remediation = RemediationSerializer()

    def get_documentation(self, _control: Any) -> str:
        documentation: str = self.context["documentation"]
        return documentation


class ControlApi(Api):
    permissions: ClassVar = {"list": Permission.CONTROL_VIEW, "retrieve": Permission.CONTROL_VIEW}
    queries: ClassVar = {"list": ControlQuery}
    answers: ClassVar = {"list": Answer(ControlSerializer, many=True), "retrieve": Answer(ControlDetailSerializer)}

    def list(self, _request: Request) -> Response:
        """Every control, on one page."""
        severity, group = self.query["severity"], self.query["group"].upper()
        chosen = [
            loaded.control
            for loaded in registry.controls().values()
            if severity in {"", loaded.control.severity} and group in {"", loaded.control.group}
        ]
        return self.page(chosen, counts=self.counts())

    def retrieve(self, _request: Request, control: str) -> Response:
        """One control with its documentation."""
        loaded: LoadedControl | None = registry.controls().get(control)
        if loaded is None:
            raise Http404
        return self.answer(loaded.control, counts=self.counts(), documentation=loaded.doc)

    def counts(self) -> dict[str, cells.Counts]:
        return cells.count_by_control(cells.visible_totals(visible_accounts(self.actor, Permission.ACCOUNT_VIEW)))
