"""The API of Accounts with their open Findings, and of rescans."""

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
        # null and not 0 for an account that was never read: no findings are known, but there may be some.
        return self.context["counts"].get(account.pk) if account.last_good_scan_at else None


@extend_schema_serializer(component_name="Account")
class ScannedAccountSerializer(CountedAccountSerializer, api.AccountSerializer):
    """An AWS account. read: whether the last Scan of it could read it, and whether a Scan has ever read all of it.
    open_findings: in what was read; null if it was never read, or if you can't see its Findings."""


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
        """Scan the whole Account again. Returns 200 with the running Scan if one is already running."""
        self.body()
        found = find_account(visible_accounts(self.actor, Permission.SCAN_RESCAN), account)
        if found is None:
            raise Http404
        with translate_service_error(ScanRequestError, as_=ConflictError):
            return scan_starts.answer_with_scan(self, scan_starts.request_rescan(self.actor, found))

    def known_above(self, accounts: Sequence[Account]) -> dict[str, Any]:
        counts = open_by_severity(visible_accounts(self.actor, Permission.FINDING_VIEW), accounts)
        return {"counts": counts, "states": states_of(accounts)}
