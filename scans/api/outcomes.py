"""The API of outcomes: every control on every resource of one Scan, as JSON pages or as one stream of lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, ClassVar

from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import Http404, HttpResponseBase, StreamingHttpResponse
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from accounts.models import Account
from accounts.queries import visible_accounts
from governance.core.pages import read_cursor
from governance.core.policy import Permission
from governance.rest import paging
from governance.rest.parsing import PageQuery
from governance.rest.problems import ConflictError
from governance.rest.schema import NDJSON_MEDIA_TYPE
from governance.rest.views import Answer, Api
from scans.api.findings import GapSerializer
from scans.models import Scan
from scans.pipeline.scan_totals import sum_targets
from scans.queries import outcomes as queries
from scans.queries.extent import EXTENT_HEADER
from scans.queries.outcomes import Position
from scans.queries.scans import visible_scans, visible_targets
from scans.timemachine.outcomes import describe_unjudged

# A cursor is one number: account id * PLACES_PER_ACCOUNT + index. No account has this many outcomes.
PLACES_PER_ACCOUNT = 10**7


class OutcomeQuery(PageQuery):
    # Each page judges the evidence of its first account again, so large pages are cheaper overall.
    limit = serializers.IntegerField(
        min_value=1, max_value=5000, default=1000, help_text="The maximum number of outcomes."
    )
    scan = serializers.CharField(default="latest", help_text="A Scan's id, or latest for the last one that ended.")
    account = serializers.CharField(default="", allow_blank=True, help_text="Only this account id.")


class OutcomeSerializer(serializers.Serializer[Any]):
    """The outcome of one control on one resource. evidence: the digest of what was read."""

    control = serializers.CharField()
    account = serializers.CharField()
    region = serializers.CharField(help_text="`global` for resources without a region.")
    resource = serializers.CharField()
    verdict = serializers.ChoiceField(["pass", "fail", "unknown", "not_applicable"])
    reason = serializers.CharField()
    gaps = GapSerializer(many=True)
    evidence = serializers.CharField()
    collected_at = serializers.CharField()

    def to_representation(self, instance: dict[str, Any]) -> Any:
        return instance


class LinesRenderer(BaseRenderer):
    """Declares the media type for content negotiation. The stream itself isn't rendered."""

    media_type = NDJSON_MEDIA_TYPE
    format = "ndjson"


class OutcomeApi(Api):
    renderer_classes = [JSONRenderer, LinesRenderer]
    permissions: ClassVar = {"list": Permission.OUTCOME_EXPORT}
    queries: ClassVar = {"list": OutcomeQuery}
    answers: ClassVar = {"list": Answer(OutcomeSerializer, many=True, stream=True)}
    throttles: ClassVar = {"list": "export"}
    refusals: ClassVar = {"list": frozenset({404, 409})}

    def list(self, request: Request) -> HttpResponseBase:
        """List the outcomes of a Scan, account by account. With Accept: application/x-ndjson, streams all of them, one
        per line, without limit and cursor."""
        visible = self.visible()
        scan = self.scan(visible)
        limits = (sum_targets(visible_targets(visible).filter(scan=scan)).text(), describe_unjudged(scan))
        headers = {EXTENT_HEADER: "; ".join(filter(None, limits))}
        if request.accepted_renderer.format == LinesRenderer.format:
            return StreamingHttpResponse(
                encode_outcome_lines(queries.stream_outcomes(scan, visible)),
                content_type=NDJSON_MEDIA_TYPE,
                headers=headers,
            )
        filters = paging.read_page_filters(request, scan=str(scan.pk))
        start = position_of(read_cursor(self.query["cursor"], filters))
        found = list(islice(queries.stream_outcomes(scan, visible, start), self.query["limit"] + 1))
        kept = [outcome for _, outcome in found[: self.query["limit"]]]
        following = paging.build_page_url(request, number_of(found[-1][0]), filters) if len(found) > len(kept) else None
        response = self.page(kept, following)
        response[EXTENT_HEADER] = headers[EXTENT_HEADER]
        return response

    def visible(self) -> QuerySet[Account]:
        visible = visible_accounts(self.actor, Permission.OUTCOME_EXPORT)
        return visible.filter(account_id=self.query["account"]) if self.query["account"] else visible

    def scan(self, visible: QuerySet[Account]) -> Scan:
        """Raises Http404, ConflictError, BadRequest."""
        wanted = self.query["scan"]
        if wanted == "latest":
            found = queries.find_latest_scan(visible)
        elif wanted.isdecimal() and len(wanted) < 19:
            found = visible_scans(visible).filter(pk=int(wanted)).first()
        else:
            raise BadRequest("scan must be latest or a scan's id.")
        if found is None:
            raise Http404
        if not queries.has_ended(found):
            raise ConflictError(f"Scan {found.pk} is {found.state}. Its outcomes are available once it has ended.")
        return found


def encode_outcome_lines(found: Iterator[tuple[Position, dict[str, Any]]]) -> Iterator[str]:
    for _, outcome in found:
        yield json.dumps(outcome, ensure_ascii=False) + "\n"


def number_of(position: Position) -> int:
    account, place = position
    return int(account) * PLACES_PER_ACCOUNT + place


def position_of(number: int | None) -> Position:
    if number is None:
        return queries.START
    account, place = divmod(number, PLACES_PER_ACCOUNT)
    return f"{account:012}", place
