"""The API of the data-flow map, account by account."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries import visible_accounts
from governance.core.policy import Permission
from governance.rest.parsing import PageQuery
from governance.rest.views import Answer, Api
from scans.insight.flows import FEATURES, export_rows
from scans.insight.flows.model import VERDICT_ORDER, KeyKind, Owner
from scans.queries import flows as queries

VERDICTS = f"One of {', '.join(VERDICT_ORDER)}."


class FlowQuery(PageQuery):
    # A page is small because each account's evidence is judged again for its map.
    limit = serializers.IntegerField(min_value=1, max_value=50, default=20, help_text="The maximum number of accounts.")
    account = serializers.CharField(default="", allow_blank=True, help_text="Only this account id.")
    region = serializers.CharField(default="", allow_blank=True, help_text="Only flows from or to this region.")


class SourceSerializer(serializers.Serializer[Any]):
    """The resource whose setting names the destination. type `inbound`: settings of other accounts name it."""

    type = serializers.CharField()
    arn = serializers.CharField(allow_blank=True)


class FlowSerializer(serializers.Serializer[Any]):
    """One data flow. into: the verdict of the step to the destination. under: of the step to the key.
    *_controls: control -> verdict. `ungraded`: no control judges the step."""

    region = serializers.CharField()
    feature = serializers.ChoiceField([*FEATURES])
    feature_label = serializers.CharField()
    sources = SourceSerializer(many=True)
    destination = serializers.CharField()
    destination_kind = serializers.ChoiceField(["bucket", "log_group", "parameter_store"])
    destination_arn = serializers.CharField()
    owner = serializers.ChoiceField([str(owner) for owner in Owner])
    owner_account = serializers.CharField(allow_blank=True, help_text="Empty if unknown or outside your access.")
    destination_region = serializers.CharField(allow_blank=True)
    key = serializers.CharField()
    key_kind = serializers.ChoiceField([str(kind) for kind in KeyKind])
    key_arn = serializers.CharField(allow_blank=True)
    key_state = serializers.CharField(allow_blank=True)
    into = serializers.CharField(help_text=VERDICTS)
    into_controls = serializers.DictField(child=serializers.CharField())
    under = serializers.CharField(help_text=VERDICTS)
    under_controls = serializers.DictField(child=serializers.CharField())
    verdict = serializers.CharField(help_text=VERDICTS)


class UnreadSerializer(serializers.Serializer[Any]):
    """Settings that were not all read, so that flows may be missing."""

    region = serializers.CharField()
    type = serializers.CharField()
    why = serializers.CharField()


class AccountFlowsSerializer(serializers.Serializer[Any]):
    """The flows of one account. read: false if it was never read, so that nothing is known."""

    account = serializers.CharField()
    read = serializers.BooleanField()
    flows = FlowSerializer(many=True)
    unread = UnreadSerializer(many=True)


class FlowApi(Api):
    permissions: ClassVar = {"list": Permission.FINDING_VIEW}
    queries: ClassVar = {"list": FlowQuery}
    answers: ClassVar = {"list": Answer(AccountFlowsSerializer, many=True)}
    refusals: ClassVar = {"list": frozenset({404})}

    def list(self, _request: Request) -> Response:
        """List the Accounts that you can see, each with its data flows."""
        visible = visible_accounts(self.actor, Permission.FINDING_VIEW)
        chosen = visible.filter(account_id=self.query["account"]) if self.query["account"] else visible
        if self.query["account"] and not chosen.exists():
            raise Http404
        page = self.paginate_rows(chosen, ascending=True)
        read = queries.iterate_account_flows(visible, page.rows, self.query["region"])
        return self.page([serialize_account_flows(*item) for item in read], page.next)


def serialize_account_flows(account: Any, flows: Any, type_gaps: Any, read: Any) -> dict[str, Any]:
    return {
        "account": account.account_id,
        "read": read,
        "flows": [export_rows.build_flow_row(flow) for flow in flows],
        "unread": [
            {"region": item.region, "type": item.type, "why": "; ".join(gap.sentence() for gap in item.gaps)}
            for item in type_gaps
        ],
    }
