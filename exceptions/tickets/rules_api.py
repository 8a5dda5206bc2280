"""The API of ticket rules. A rule proposes tickets for new findings; people approve them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Organization
from exceptions.common.workflow_errors import translate_workflow_errors
from exceptions.errors import InvalidRequestError
from exceptions.models import TicketRule
from exceptions.tickets import rule_visibility as queries
from exceptions.tickets import ticket_rules
from governance.core.policy import NotPermittedError, Permission
from governance.rest.etags import compute_etag, require_match
from governance.rest.parsing import PageQuery, Strict
from governance.rest.views import Answer, Api
from scans.domain.control import Severity

TEXT: dict[str, Any] = {"default": "", "allow_blank": True}


class RuleBody(Strict):
    """A rule needs a control or a severity."""

    name = serializers.CharField(max_length=ticket_rules.MAX_NAME_LENGTH)
    control = serializers.CharField(**TEXT)
    severity = serializers.ChoiceField([str(s) for s in Severity], default="", allow_blank=True)
    ou = serializers.CharField(**TEXT, help_text="The id of an OU, including the OUs below it. Empty: all.")
    tracker = serializers.CharField(default="none")
    organization = serializers.CharField(**TEXT, help_text="Required if you can see several.")


class SwitchBody(Strict):
    enabled = serializers.BooleanField()


class RuleSerializer(serializers.Serializer[Any]):
    """Empty fields match everything. tickets: the tickets that it has proposed; live: those of them not ended.

    by: the person who created or last enabled it, who can't approve its tickets. Null: not recorded.
    """

    id = serializers.IntegerField()
    name = serializers.CharField()
    organization = serializers.CharField(source="organization.org_id")
    control = serializers.CharField()
    severity = serializers.CharField()
    ou = serializers.CharField(source="ou.ou_id", default="")
    tracker = serializers.CharField()
    enabled = serializers.BooleanField()
    by = serializers.CharField(source="by.username", allow_null=True)
    tickets = serializers.IntegerField(source="all")
    live = serializers.IntegerField()


class RuleApi(Api):
    permissions: ClassVar = {
        "list": Permission.TICKET_VIEW,
        "retrieve": Permission.TICKET_VIEW,
        "create": Permission.TICKET_PROPOSE,
        "switch": Permission.TICKET_PROPOSE,
    }
    queries: ClassVar = {"list": PageQuery}
    bodies: ClassVar = {"create": RuleBody, "switch": SwitchBody}
    answers: ClassVar = {
        "list": Answer(RuleSerializer, many=True),
        "retrieve": Answer(RuleSerializer),
        "create": Answer(RuleSerializer, status=201),
        "switch": Answer(RuleSerializer),
    }
    matched: ClassVar = frozenset({"switch"})

    def list(self, _request: Request) -> Response:
        """List the rules of the organizations that you can see as a whole."""
        page = self.paginate_rows(queries.rules_with_ticket_counts(self.actor))
        return self.page(page.rows, page.next)

    def create(self, _request: Request) -> Response:
        """Create a rule. This needs a grant over the whole organization."""
        given = self.body()
        with translate_workflow_errors():
            organization = self.organization(given.pop("organization"))
            made = ticket_rules.create_rule(actor=self.actor, organization=organization, **given)
        return self.shown(made.pk)

    def retrieve(self, _request: Request, rule_id: int) -> Response:
        """Get one rule, with its ETag."""
        return self.shown(rule_id)

    def switch(self, _request: Request, rule_id: int) -> Response:
        """Enable or disable a rule. The tickets that it proposed stay."""
        found = self.found(rule_id)
        require_match(self.request, build_rule_etag(found))
        ticket_rules.set_enabled(actor=self.actor, rule=found, enabled=self.body()["enabled"])
        return self.shown(rule_id)

    def organization(self, wanted: str) -> Organization:
        whole = queries.fully_visible_organizations(self.actor)
        found = list(whole.filter(org_id=wanted) if wanted else whole[:2])
        if len(found) == 1:
            return found[0]
        if not whole.exists():
            raise NotPermittedError(
                "Ticket rules need a grant over the whole organization; ask a security admin for it."
            )
        missing = f"There is no organization {wanted} that you can see as a whole."
        raise InvalidRequestError(organization=missing if wanted else "Enter the id of an organization.")

    def found(self, rule_id: int) -> TicketRule:
        """Raises Http404."""
        row = queries.rules_with_ticket_counts(self.actor).filter(pk=rule_id).first()
        if row is None:
            raise Http404
        return row

    def shown(self, rule_id: int) -> Response:
        row = self.found(rule_id)
        headers = {"ETag": build_rule_etag(row)}
        if self.answers[self.action].status == 201:
            headers["Location"] = reverse("api-ticket-rule", args=[rule_id])
        return self.answer(row, headers=headers)


def build_rule_etag(row: TicketRule) -> str:
    """Only whether the rule is enabled, and by whom, can change."""
    return compute_etag("ticketrule", row.pk, int(row.enabled), row.by_id)
