"""Serves accounts and OUs in the API. scans.api.accounts adds the number of Findings to each Account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from accounts.owner_proposals import list_manual_owners
from accounts.queries import Branch, find_account, list_organizations, ou_tree, visible_accounts
from governance.core.policy import Permission
from governance.rest.parsing import PageQuery
from governance.rest.views import Answer, Api

MAX_EVENTS = 100


class AccountQuery(PageQuery):
    status = serializers.ChoiceField(Account.Status.choices, default="", allow_blank=True)
    ou = serializers.CharField(default="", allow_blank=True, help_text="An OU's id; includes the OUs below it.")
    owner = serializers.CharField(
        default="", allow_blank=True, help_text="The full name of one of its owners, as listed."
    )
    q = serializers.CharField(default="", allow_blank=True, help_text="Part of the name or of the account id.")


class UnitSerializer(serializers.Serializer[Any]):
    ou_id = serializers.CharField()
    name = serializers.CharField()


class UnreadableSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField()
    what_to_do = serializers.CharField(required=False)
    at = serializers.CharField(required=False)


class AccountSerializer(serializers.Serializer[Any]):
    """An AWS account. unreadable: why the last scan could not read it."""

    account_id = serializers.CharField()
    name = serializers.CharField()
    organization = serializers.CharField(source="organization.org_id")
    is_management = serializers.BooleanField()
    status = serializers.CharField()
    ou = UnitSerializer(allow_null=True)
    owners = serializers.ListField(child=serializers.CharField())
    owners_set_by_hand = serializers.BooleanField()
    joined_at = serializers.DateTimeField(allow_null=True)
    vanished_at = serializers.DateTimeField(allow_null=True)
    last_good_scan_at = serializers.DateTimeField(allow_null=True)
    unreadable = UnreadableSerializer(allow_null=True)


class AccountEventSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    detail = serializers.DictField()


class AccountDetailSerializer(AccountSerializer):
    """An AWS account with details that the list omits. tags is null if AWS refused to return them; tags_gap says why."""

    tags = serializers.DictField(child=serializers.CharField(), allow_null=True)
    tags_gap = serializers.DictField(child=serializers.CharField(), allow_null=True)
    regions = serializers.DictField(child=serializers.CharField())
    owners_set_by = serializers.SerializerMethodField()
    owners_set_at = serializers.SerializerMethodField()
    events = serializers.SerializerMethodField()

    def get_owners_set_by(self, account: Account) -> str | None:
        found = list_manual_owners(account)
        return str(found[0].set_by) if found and found[0].set_by else None

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_owners_set_at(self, account: Account) -> Any:
        return next((each.set_at for each in list_manual_owners(account)), None)

    @extend_schema_field(AccountEventSerializer(many=True))
    def get_events(self, account: Account) -> Any:
        return AccountEventSerializer(account.events.all()[:MAX_EVENTS], many=True).data


class InventoryAccountApi(Api):
    permissions: ClassVar = {"list": Permission.ACCOUNT_VIEW, "retrieve": Permission.ACCOUNT_VIEW}
    queries: ClassVar = {"list": AccountQuery}
    answers: ClassVar = {"list": Answer(AccountSerializer, many=True), "retrieve": Answer(AccountDetailSerializer)}

    def list(self, _request: Request) -> Response:
        """List the accounts that you can see."""
        page = self.paginate_rows(filter_accounts(self.visible(), self.query), ascending=True)
        return self.page(page.rows, page.next, **self.known_above(page.rows))

    def retrieve(self, _request: Request, account: str) -> Response:
        """Return one account by its 12-digit id. An account that moved between organizations is shown in its current one."""
        here = find_account(self.visible(), account)
        if here is None:
            raise Http404
        return self.answer(here, **self.known_above([here]))

    def visible(self) -> QuerySet[Account]:
        return visible_accounts(self.actor, Permission.ACCOUNT_VIEW)

    def known_above(self, accounts: Sequence[Account]) -> dict[str, Any]:  # noqa: ARG002 (for those above)
        """What higher layers know about these Accounts, for their serializers' context."""
        return {}


def filter_accounts(visible: QuerySet[Account], wanted: Mapping[str, Any]) -> QuerySet[Account]:
    if wanted["status"]:
        visible = visible.filter(status=wanted["status"])
    if wanted["ou"]:
        visible = visible.filter(ou__path__contains=f"/{wanted['ou']}/")
    if wanted["owner"]:
        visible = visible.filter(build_owner_filter(visible, wanted["owner"]))
    if wanted["q"]:
        visible = visible.filter(Q(name__icontains=wanted["q"]) | Q(account_id__contains=wanted["q"]))
    return visible


def build_owner_filter(visible: QuerySet[Account], owner: str) -> Q:
    """The Accounts with this owner. SQLite can't search a JSON list by element, so the lists are compared here."""
    rows = visible.order_by().values_list("pk", "owners")
    return Q(pk__in=[pk for pk, owners in rows.iterator(chunk_size=2000) if owner in owners])


class BranchSerializer(serializers.Serializer[Any]):
    """A root or an OU with what is below it. accounts: directly in it; total: including those below."""

    organization = serializers.CharField(source="unit.organization.org_id")
    ou_id = serializers.CharField(source="unit.ou_id")
    name = serializers.CharField(source="unit.name")
    accounts = serializers.SerializerMethodField()
    total = serializers.IntegerField()
    children = serializers.SerializerMethodField()

    def get_accounts(self, branch: Branch) -> int:
        return len(branch.accounts)

    @extend_schema_field({"type": "array", "items": {"$ref": "#/components/schemas/Branch"}})
    def get_children(self, branch: Branch) -> Any:
        return BranchSerializer(branch.children, many=True).data


class UnitApi(Api):
    permissions: ClassVar = {"list": Permission.ACCOUNT_VIEW}
    answers: ClassVar = {"list": Answer(BranchSerializer, many=True)}

    def list(self, _request: Request) -> Response:
        """List the roots of the organizations, with the OUs that contain an account that you can see."""
        visible = visible_accounts(self.actor, Permission.ACCOUNT_VIEW)
        roots = [root for each in list_organizations() for root in ou_tree(each, visible.filter(organization=each))]
        return self.page(roots)
