"""Accounts with how many Findings are open in them, and scanning one again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import api
from accounts.models import Account
from accounts.queries import find_account, visible_accounts
from governance.core.policy import Permission
from governance.rest.problems import ConflictError, translate_service_error
from governance.rest.views import Answer
from scans.api import scan_starts
from scans.api.scan_documents import ScanSerializer
from scans.errors import ScanRequestError
from scans.queries.extent import ReadState, states_of
from scans.queries.finding_counts import open_by_severity


class FindingCountsSerializer(serializers.Serializer[Any]):
    critical = serializers.IntegerField()
    high = serializers.IntegerField()
    medium = serializers.IntegerField()
    low = serializers.IntegerField()


class CountedAccountSerializer(serializers.Serializer[Any]):
    read = serializers.SerializerMethodField()
    open_findings = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ChoiceField([str(state) for state in ReadState]))
    def get_read(self, account: Account) -> str:
        return str(self.context["states"][account.pk])

    @extend_schema_field(FindingCountsSerializer(allow_null=True))
    def get_open_findings(self, account: Account) -> Any:
        # Nothing was ever read: that none is known says nothing.
        return self.context["counts"].get(account.pk) if account.last_good_scan_at else None


@extend_schema_serializer(component_name="Account")
class ScannedAccountSerializer(CountedAccountSerializer, api.AccountSerializer):
    """An AWS account. read: whether the last Scan that came to it could read it, and whether one ever read all of it.
    open_findings: as far as it was read; null where nothing ever was, or where you may not see its Findings."""


@extend_schema_serializer(component_name="AccountDetail")
class ScannedAccountDetailSerializer(CountedAccountSerializer, api.AccountDetailSerializer):
    """An AWS account with its tags, regions and history."""


class AccountApi(api.InventoryAccountApi):
    permissions: ClassVar = {**api.InventoryAccountApi.permissions, "rescan": Permission.SCAN_RESCAN}
    answers: ClassVar = {
        "list": Answer(ScannedAccountSerializer, many=True),
        "retrieve": Answer(ScannedAccountDetailSerializer),
        "rescan": Answer(ScanSerializer, status=201, also=(200,)),
    }
    refusals: ClassVar = {"rescan": frozenset({429})}

    def rescan(self, _request: Request, account: str) -> Response:
        """Scan the whole Account again. 200 with the Scan of it that is running already, if there is one."""
        self.body()
        found = find_account(visible_accounts(self.actor, Permission.SCAN_RESCAN), account)
        if found is None:
            raise Http404
        with translate_service_error(ScanRequestError, as_=ConflictError):
            return scan_starts.answer_with_scan(self, scan_starts.request_rescan(self.actor, found))

    def known_above(self, accounts: Sequence[Account]) -> dict[str, Any]:
        counts = open_by_severity(visible_accounts(self.actor, Permission.FINDING_VIEW), accounts)
        return {"counts": counts, "states": states_of(accounts)}
