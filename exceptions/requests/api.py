"""The API of exception requests. Deciding is left out: it needs a person, a second factor and the page."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account, Organization
from accounts.queries import visible_accounts
from exceptions.common import request_scope
from exceptions.common.workflow_errors import translate_workflow_errors
from exceptions.errors import InvalidRequestError
from exceptions.models import ExceptionRequest
from exceptions.requests import drafting, renewing
from exceptions.requests import request_filters as queries
from exceptions.requests.request_input import RequestInput
from exceptions.requests.serializers import (
    CommentSerializer,
    ExceptionSerializer,
    PreviewSerializer,
    build_exception_documents,
)
from exceptions.rules import ExceptionScopeKind
from governance.core.policy import Permission
from governance.rest.bulk import MAX_BULK_ITEMS
from governance.rest.etags import compute_etag, require_match
from governance.rest.parsing import PageQuery, Strict
from governance.rest.views import Answer, Api

STATES = (
    "draft",
    "submitted",
    "changes_requested",
    "pending",
    "active",
    "expiring",
    "suspended",
    "rejected",
    "withdrawn",
    "revoked",
    "superseded",
    "expired",
)
TEXT: dict[str, Any] = {"default": "", "allow_blank": True}
# Either permission opens the action. Which of them the request needs depends on its scope; drafting checks that.
PERMISSIONS_TO_REQUEST = frozenset({Permission.EXCEPTION_REQUEST, Permission.EXCEPTION_REQUEST_OU})


class ExceptionQuery(PageQuery):
    state = serializers.ChoiceField(
        STATES, default="", allow_blank=True, help_text="As of now. expiring: ends within 30 days."
    )
    control = serializers.CharField(default="", allow_blank=True)
    account = serializers.CharField(default="", allow_blank=True, help_text="The id of a covered account.")


class ExceptionBody(Strict):
    """The scope and the terms. findings: fingerprints, for the scope findings; each other scope has its own fields."""

    scope_kind = serializers.ChoiceField([str(kind) for kind in ExceptionScopeKind])
    control = serializers.CharField(**TEXT)
    account = serializers.CharField(**TEXT)
    ou = serializers.CharField(**TEXT)
    tag_key = serializers.CharField(**TEXT)
    tag_value = serializers.CharField(**TEXT)
    resource = serializers.CharField(**TEXT)
    region = serializers.CharField(**TEXT)
    findings = serializers.ListField(child=serializers.CharField(), default=list, max_length=MAX_BULK_ITEMS)
    justification = serializers.CharField(**TEXT)
    business_owner = serializers.CharField(**TEXT)
    compensation = serializers.CharField(**TEXT)
    compensating_controls = serializers.ListField(child=serializers.CharField(), default=list, max_length=50)
    on_behalf_of = serializers.CharField(
        **TEXT, help_text="For service accounts: the user name or email address of the person who requests it."
    )
    starts_at = serializers.DateTimeField(default=None, allow_null=True)
    expires_at = serializers.DateTimeField(default=None, allow_null=True)


class NewExceptionBody(ExceptionBody):
    organization = serializers.CharField(default="", allow_blank=True, help_text="Required if you can see several.")


class ReasonBody(Strict):
    reason = serializers.CharField(**TEXT)


class TextBody(Strict):
    text = serializers.CharField()


class RenewalBody(Strict):
    expires_at = serializers.DateTimeField()
    justification = serializers.CharField()


class ExceptionApi(Api):
    permissions: ClassVar = {
        "list": Permission.EXCEPTION_VIEW,
        "retrieve": Permission.EXCEPTION_VIEW,
        "preview": Permission.EXCEPTION_VIEW,
        "comments": Permission.EXCEPTION_VIEW,
        "create": PERMISSIONS_TO_REQUEST,
        "change": PERMISSIONS_TO_REQUEST,
        "submit": PERMISSIONS_TO_REQUEST,
        "withdraw": PERMISSIONS_TO_REQUEST,
        "renew": PERMISSIONS_TO_REQUEST,
        "comment": Permission.EXCEPTION_COMMENT,
    }
    queries: ClassVar = {"list": ExceptionQuery, "comments": PageQuery}
    bodies: ClassVar = {
        "create": NewExceptionBody,
        "change": ExceptionBody,
        "withdraw": ReasonBody,
        "renew": RenewalBody,
        "comment": TextBody,
    }
    answers: ClassVar = {
        "list": Answer(ExceptionSerializer, many=True),
        "retrieve": Answer(ExceptionSerializer),
        "create": Answer(ExceptionSerializer, status=201),
        "change": Answer(ExceptionSerializer),
        "submit": Answer(ExceptionSerializer),
        "withdraw": Answer(ExceptionSerializer),
        "renew": Answer(ExceptionSerializer, status=201),
        "preview": Answer(PreviewSerializer),
        "comments": Answer(CommentSerializer, many=True),
        "comment": Answer(CommentSerializer, status=201),
    }
    matched: ClassVar = frozenset({"change", "submit", "withdraw"})

    def list(self, _request: Request) -> Response:
        """List the exception requests that you can see, newest first."""
        rows = queries.filter_by_state(queries.visible_requests(self.actor), self.query["state"], timezone.now())
        if self.query["control"]:
            rows = rows.filter(control=self.query["control"])
        if self.query["account"]:
            # Only covers of visible accounts count: else the filter would tell which other accounts are covered.
            mine = self.visible().order_by().values("pk")
            rows = rows.filter(covers__account__account_id=self.query["account"], covers__account__in=mine).distinct()
        page = self.paginate_rows(rows)
        now = timezone.now()
        return self.page(build_exception_documents(page.rows, now, self.visible()), page.next)

    def create(self, _request: Request) -> Response:
        """Draft a request. Approvers see it once it is submitted."""
        given = self.body()
        organization = self.organization(given.pop("organization"))
        with translate_workflow_errors():
            made = drafting.create_draft(actor=self.actor, organization=organization, wanted=RequestInput(**given))
        return self.shown(made)

    def retrieve(self, _request: Request, request_id: int) -> Response:
        """Get one request, with its ETag."""
        return self.shown(self.found(request_id))

    def change(self, _request: Request, request_id: int) -> Response:
        """Change a draft, or a request for which changes were requested."""
        found, given = self.matching(request_id), self.body()
        with translate_workflow_errors():
            drafting.change_draft(actor=self.actor, request=found, version=found.version, wanted=RequestInput(**given))
        return self.shown(found)

    def submit(self, _request: Request, request_id: int) -> Response:
        """Submit a request for decision."""
        found = self.matching(request_id)
        self.body()
        with translate_workflow_errors():
            drafting.submit(actor=self.actor, request=found, version=found.version)
        return self.shown(found)

    def withdraw(self, _request: Request, request_id: int) -> Response:
        """Withdraw a request at any stage. Its findings count as open at once."""
        found, given = self.matching(request_id), self.body()
        with translate_workflow_errors():
            drafting.withdraw(actor=self.actor, request=found, version=found.version, reason=given["reason"])
        return self.shown(found)

    def renew(self, _request: Request, request_id: int) -> Response:
        """Draft a renewal, which takes over when this request ends."""
        found, given = self.found(request_id), self.body()
        with translate_workflow_errors():
            made = renewing.draft_renewal(actor=self.actor, request=found, **given)
        return self.shown(made)

    def preview(self, _request: Request, request_id: int) -> Response:
        """Preview what the request covers now, by severity and account, and what it would cover later."""
        visible = visible_accounts(self.actor, Permission.EXCEPTION_VIEW)
        found = request_scope.preview_scope(self.found(request_id), visible)
        return self.answer(
            {
                "accounts": found.accounts,
                "findings": found.findings,
                "to_come": found.to_come,
                "whole": found.whole,
                "read": found.read,
                "by_severity": [{"name": name, "findings": n} for name, n in found.by_severity],
                "by_account": [{"name": account.account_id, "findings": n} for account, n in found.by_account],
            }
        )

    def comments(self, _request: Request, request_id: int) -> Response:
        """List the comments, oldest first."""
        page = self.paginate_rows(self.found(request_id).comments.select_related("by").order_by("id"), ascending=True)
        return self.page(page.rows, page.next)

    def comment(self, _request: Request, request_id: int) -> Response:
        """Add a comment."""
        found, given = self.found(request_id), self.body()
        with translate_workflow_errors():
            return self.answer(drafting.comment(actor=self.actor, request=found, text=given["text"]))

    def visible(self) -> QuerySet[Account]:
        return visible_accounts(self.actor, Permission.EXCEPTION_VIEW)

    def found(self, request_id: int) -> ExceptionRequest:
        """Raises Http404."""
        row = queries.visible_requests(self.actor).filter(pk=request_id).first()
        if row is None:
            raise Http404
        return row

    def matching(self, request_id: int) -> ExceptionRequest:
        """The request in the version that If-Match names: 428 without the header, 412 for another version."""
        found = self.found(request_id)
        require_match(self.request, build_exception_etag(found))
        return found

    def organization(self, wanted: str) -> Organization:
        # An organization in which the actor sees nothing is refused like one that doesn't exist.
        seen = Organization.objects.filter(
            accounts__in=visible_accounts(self.actor, Permission.EXCEPTION_VIEW)
        ).distinct()
        found = list(seen.filter(org_id=wanted) if wanted else seen[:2])
        if len(found) == 1:
            return found[0]
        with translate_workflow_errors():
            raise InvalidRequestError(
                organization=f"There is no organization {wanted}." if wanted else "Enter the id of an organization."
            )

    def shown(self, row: ExceptionRequest) -> Response:
        headers = {"ETag": build_exception_etag(row)}
        if self.answers[self.action].status == 201:
            headers["Location"] = reverse("api-exception", args=[row.pk])
        [shown] = build_exception_documents([row], timezone.now(), self.visible())
        return self.answer(shown, headers=headers)


def build_exception_etag(row: ExceptionRequest) -> str:
    return compute_etag("exceptionrequest", row.pk, row.version)
