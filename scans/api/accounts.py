"""Accounts with how many Findings are open in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts import api
from accounts.models import Account
from accounts.queries import visible_accounts
from governance.core.policy import Permission
from governance.identity.rest.views import Answer
from scans.queries.finding_counts import open_by_severity


class FindingCountsSerializer(serializers.Serializer[Any]):
    critical = serializers.IntegerField()
    high = serializers.IntegerField()
    medium = serializers.IntegerField()
    low = serializers.IntegerField()


class Counted(serializers.Serializer[Any]):
    open_findings = serializers.SerializerMethodField()

    @extend_schema_field(FindingCountsSerializer(allow_null=True))
    def get_open_findings(self, account: Account) -> Any:
        return self.context["counts"].get(account.pk)


@extend_schema_serializer(component_name="Account")
class AccountSerializer(Counted, api.AccountSerializer):
    """An AWS account. open_findings is null where you may not see its Findings."""


@extend_schema_serializer(component_name="AccountDetail")
class AccountDetailSerializer(Counted, api.AccountDetailSerializer):
    """An AWS account with its tags, regions and history."""


class AccountApi(api.AccountApi):
    answers: ClassVar = {
        "list": Answer(AccountSerializer, many=True),
        "retrieve": Answer(AccountDetailSerializer),
    }

    def known_above(self, accounts: Sequence[Account]) -> dict[str, Any]:
        return {"counts": open_by_severity(visible_accounts(self.actor, Permission.FINDING_VIEW), accounts)}
