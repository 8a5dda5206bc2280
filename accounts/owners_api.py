"""Serves the owners of an Account in the API: read them, set them by hand, reset them to the tags."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.http import Http404
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.manual_owners import MAX_OWNERS, OwnersError, compute_owners_version, set_owners
from accounts.models import Account
from accounts.owner_proposals import list_manual_owners
from accounts.queries import find_account, visible_accounts
from accounts.services import parse_owner_tags
from governance.core.policy import Permission
from governance.rest.etags import compute_etag, require_match
from governance.rest.parsing import Strict
from governance.rest.views import Answer, Api


class OwnersBody(Strict):
    owners = serializers.ListField(
        child=serializers.CharField(max_length=254),
        max_length=MAX_OWNERS,
        help_text="User names or email addresses of people. With an empty list, the tags decide again.",
    )


class OwnersSerializer(serializers.Serializer[Any]):
    """set_by and set_at are null while the tags decide. by_tags: the owners in the tags; null if AWS refused to return them."""

    owners = serializers.ListField(child=serializers.CharField())
    set_by_hand = serializers.BooleanField()
    set_by = serializers.CharField(allow_null=True)
    set_at = serializers.DateTimeField(allow_null=True)
    by_tags = serializers.ListField(child=serializers.CharField(), allow_null=True)


class OwnersApi(Api):
    permissions: ClassVar = {"retrieve": Permission.ACCOUNT_VIEW, "change": Permission.ACCOUNT_SET_OWNERS}
    bodies: ClassVar = {"change": OwnersBody}
    answers: ClassVar = {"retrieve": Answer(OwnersSerializer), "change": Answer(OwnersSerializer)}
    matched: ClassVar = frozenset({"change"})

    def retrieve(self, _request: Request, account: str) -> Response:
        """Return the owners of an account, with their ETag."""
        return self.shown(self.found(account, Permission.ACCOUNT_VIEW))

    def change(self, request: Request, account: str) -> Response:
        """Set the owners by hand. They take precedence over the tags until they are reset."""
        found = self.found(account, Permission.ACCOUNT_SET_OWNERS)
        version, names = compute_owners_version(found), self.body()["owners"]
        require_match(request, compute_etag("owners", found.pk, version))
        try:
            set_owners(actor=self.actor, account=found, names=names, version=version)
        except OwnersError as error:
            said = {f"owners.{place}": [why] for place, why in error.problems.items()}
            raise ValidationError(said or {"owners": [str(error)]}) from error
        return self.shown(found)

    def found(self, account: str, permission: Permission) -> Account:
        """Raises Http404."""
        row = find_account(visible_accounts(self.actor, permission), account)
        if row is None:
            raise Http404
        return row

    def shown(self, account: Account) -> Response:
        rows = list_manual_owners(account)
        by_tags = None if account.tags is None else parse_owner_tags(account.tags, settings.OWNER_TAGS)
        document = {
            "owners": account.owners,
            "set_by_hand": bool(rows),
            "by_tags": by_tags,
            "set_by": str(rows[0].set_by) if rows and rows[0].set_by else None,
            "set_at": rows[0].set_at if rows else None,
        }
        return self.answer(
            document, headers={"ETag": compute_etag("owners", account.pk, compute_owners_version(account))}
        )
