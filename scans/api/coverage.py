"""The API of an account's coverage."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries import visible_accounts
from governance.core.policy import Permission
from governance.rest.views import Answer, Api
from scans.insight import coverage
from scans.insight.coverage import ReadingState
from scans.queries import coverage as queries


class MissingSerializer(serializers.Serializer[Any]):
    """what: the resource types, or facts of them, that could not be read. why: denied, denied_by_scp, throttled …"""

    what = serializers.ListField(child=serializers.CharField())
    api = serializers.CharField()
    action = serializers.CharField(allow_blank=True)
    region = serializers.CharField()
    code = serializers.CharField()
    why = serializers.CharField()
    what_to_do = serializers.CharField()


class CoverageLineSerializer(serializers.Serializer[Any]):
    """One collector in one region. current: the latest Scan read it. Otherwise the evidence is older."""

    region = serializers.CharField(help_text="`global` for the whole account.")
    collector = serializers.CharField()
    state = serializers.ChoiceField([str(state) for state in ReadingState])
    current = serializers.BooleanField()
    why = serializers.CharField(allow_blank=True)
    missing = MissingSerializer(many=True)


class CoverageApi(Api):
    permissions: ClassVar = {"list": Permission.ACCOUNT_VIEW}
    answers: ClassVar = {"list": Answer(CoverageLineSerializer, many=True)}

    def list(self, _request: Request, account: str) -> Response:
        """List every collector in every region of one Account, on one page."""
        visible = visible_accounts(self.actor, Permission.ACCOUNT_VIEW)
        found = visible.filter(account_id=account).first()
        if found is None:
            raise Http404
        return self.page(coverage.build_reading_row(line) for line in queries.load_account_coverage(found).lines)
