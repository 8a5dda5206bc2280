"""The API of frameworks and their requirements, over the visible Accounts."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries import visible_accounts
from governance.core.policy import Permission
from governance.rest.views import Answer, Api
from scans.api.extent import ExtentSerializer
from scans.api.scan_documents import VerdictCountsSerializer
from scans.insight.frameworks import REQUIREMENT_STATUSES
from scans.queries import frameworks as queries
from scans.queries.extent import Extent, extent_of
from scans.queries.frameworks import RequirementLine, RollUp


class FrameworkSerializer(serializers.Serializer[Any]):
    """A framework. sources: the pages that its ids come from. read_on: when they were read; null for the source
    document. standings: how many requirements hold, are broken, unknown, not judged, or attested by the provider.
    read: how far the Accounts were read. Statuses are about what was read."""

    id = serializers.CharField(source="framework.id")
    name = serializers.CharField(source="framework.name")
    title = serializers.CharField(source="framework.edition.title")
    version = serializers.CharField(source="framework.edition.version")
    sources = serializers.ListField(child=serializers.CharField(), source="framework.edition.sources")
    read_on = serializers.DateField(source="framework.edition.read_on", allow_null=True)
    standings = serializers.SerializerMethodField()
    resources = serializers.SerializerMethodField()
    read = serializers.SerializerMethodField()

    @extend_schema_field(ExtentSerializer)
    def get_read(self, _found: RollUp) -> dict[str, int]:
        extent: Extent = self.context["read"]
        return extent.document()

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
    def get_standings(self, found: RollUp) -> dict[str, int]:
        return dict(found.statuses())

    @extend_schema_field(VerdictCountsSerializer)
    def get_resources(self, found: RollUp) -> dict[str, int]:
        return dict(found.counts.by_verdict())


class FrameworkAccountsSerializer(serializers.Serializer[Any]):
    """In how many Accounts something fails, is unknown, or is judged at all."""

    failing = serializers.IntegerField()
    unknown = serializers.IntegerField()
    judged = serializers.IntegerField()


class RequirementSerializer(serializers.Serializer[Any]):
    """A requirement. id: as the controls declare it. sentence: the source document's words, for its statements."""

    id = serializers.CharField(source="requirement.id")
    title = serializers.CharField(source="requirement.title")
    sentence = serializers.SerializerMethodField()
    standing = serializers.ChoiceField(REQUIREMENT_STATUSES, source="status")
    controls = serializers.ListField(child=serializers.CharField(), source="requirement.control_ids")
    accounts = FrameworkAccountsSerializer()
    resources = serializers.SerializerMethodField()

    def get_sentence(self, line: RequirementLine) -> str:
        return line.requirement.statement.sentence if line.requirement.statement else ""

    @extend_schema_field(VerdictCountsSerializer)
    def get_resources(self, line: RequirementLine) -> dict[str, int]:
        return dict(line.counts.by_verdict())


class FrameworkDetailSerializer(FrameworkSerializer):
    requirements = RequirementSerializer(many=True, source="lines")


class FrameworkApi(Api):
    permissions: ClassVar = {"list": Permission.CONTROL_VIEW, "retrieve": Permission.CONTROL_VIEW}
    answers: ClassVar = {"list": Answer(FrameworkSerializer, many=True), "retrieve": Answer(FrameworkDetailSerializer)}

    def list(self, _request: Request) -> Response:
        """List the source document's statements, then every framework that controls declare, on one page."""
        visible = visible_accounts(self.actor, Permission.ACCOUNT_VIEW)
        return self.page(queries.roll_up_all(visible), read=extent_of(visible))

    def retrieve(self, _request: Request, framework: str) -> Response:
        """Get one framework with its requirements."""
        found = queries.load_frameworks().get(framework)
        if found is None:
            raise Http404
        visible = visible_accounts(self.actor, Permission.ACCOUNT_VIEW)
        return self.answer(queries.roll_up_framework(found, visible), read=extent_of(visible))
