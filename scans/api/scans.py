"""The API of scans: list, get, start, cancel, resume."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from accounts.queries import visible_accounts
from governance.core.policy import Permission
from governance.rest.parsing import PageQuery, Strict
from governance.rest.problems import ConflictError, translate_service_error
from governance.rest.views import Answer, Api
from scans.api import scan_starts
from scans.api.scan_documents import (
    GapsSerializer,
    ProgressSerializer,
    ScanSerializer,
    load_scan_documents,
    progress_document,
)
from scans.errors import ScanRequestError
from scans.models import Scan
from scans.pipeline import start
from scans.queries import scans as queries


class ScanBody(Strict):
    """The scope of a Scan. An empty body scans the whole Organization."""

    organization = serializers.CharField(
        default="", allow_blank=True, help_text="Required only if you can see several."
    )
    accounts = serializers.ListField(child=serializers.CharField(), default=list, max_length=10_000)
    ous = serializers.ListField(child=serializers.CharField(), default=list, max_length=1_000)
    regions = serializers.ListField(child=serializers.CharField(), default=list, max_length=100)
    controls = serializers.ListField(child=serializers.CharField(), default=list, max_length=1_000)


# scan.rescan is enough for one whole Account.
STARTING = frozenset({Permission.SCAN_RUN, Permission.SCAN_RESCAN})


class ScanApi(Api):
    permissions: ClassVar = {
        "list": Permission.SCAN_VIEW,
        "retrieve": Permission.SCAN_VIEW,
        "create": STARTING,
        "cancel": Permission.SCAN_RUN,
        "resume": Permission.SCAN_RUN,
        "progress": Permission.SCAN_VIEW,
        "gaps": Permission.SCAN_VIEW,
    }
    queries: ClassVar = {"list": PageQuery}
    bodies: ClassVar = {"create": ScanBody}
    answers: ClassVar = {
        "list": Answer(ScanSerializer, many=True),
        "retrieve": Answer(ScanSerializer),
        "create": Answer(ScanSerializer, status=201, also=(200,)),
        "cancel": Answer(ScanSerializer),
        "resume": Answer(ScanSerializer),
        "progress": Answer(ProgressSerializer),
        "gaps": Answer(GapsSerializer),
    }
    throttles: ClassVar = {"create": "scan-start", "resume": "scan-start"}

    def list(self, _request: Request) -> Response:
        """List the Scans of the Accounts that you can see, newest first."""
        page = self.paginate_rows(queries.visible_scans(self.visible()))
        return self.page(load_scan_documents(page.rows, self.visible()), page.next)

    def create(self, _request: Request) -> Response:
        """Start a Scan. With scan.rescan only, one whole Account; returns 200 with the Scan that already runs."""
        return scan_starts.answer_with_scan(self, scan_starts.start_or_rescan(self.actor, self.body()))

    def retrieve(self, _request: Request, scan: int) -> Response:
        """Get one Scan."""
        return self.shown(self.found(scan))

    def cancel(self, _request: Request, scan: int) -> Response:
        """Cancel a Scan. What was read is kept."""
        self.body()
        found = self.found(scan, Permission.SCAN_RUN)
        with translate_service_error(ScanRequestError, as_=ConflictError):
            start.cancel_scan(actor=self.actor, scan=found)
        return self.shown(found)

    def resume(self, _request: Request, scan: int) -> Response:
        """Resume a cancelled Scan."""
        self.body()
        found = self.found(scan, Permission.SCAN_RUN)
        with translate_service_error(ScanRequestError, as_=ConflictError):
            start.resume_scan(actor=self.actor, scan=found)
        scan_starts.enqueue_on_commit(found.pk)
        return self.shown(found)

    def progress(self, _request: Request, scan: int) -> Response:
        """Get the progress of a Scan."""
        found = self.found(scan)
        return self.answer(progress_document(found, queries.progress_of(found, self.visible(), timezone.now())))

    def gaps(self, _request: Request, scan: int) -> Response:
        """Get what a Scan could not read, and why."""
        found, visible = self.found(scan), self.visible()
        unreadable, unread = queries.unreadable_of(found, visible), queries.unread_of(found, visible)
        errors = {"internal_errors": found.totals["errors"]} if found.totals.get("errors") else {}
        body = {"gaps": queries.gaps_of(found, visible), "unreadable": unreadable, "not_read": unread, **errors}
        return self.answer(body)

    def visible(self, permission: Permission = Permission.SCAN_VIEW) -> QuerySet[Account]:
        return visible_accounts(self.actor, permission)

    def found(self, scan: int, permission: Permission = Permission.SCAN_VIEW) -> Scan:
        """Raises Http404."""
        row = queries.visible_scans(self.visible(permission)).filter(pk=scan).first()
        if row is None:
            raise Http404
        return row

    def shown(self, scan: Scan, **more: Any) -> Response:
        scan.refresh_from_db()
        return self.answer(load_scan_documents([scan], scan_starts.accounts_of_scanner(self.actor))[0], **more)
