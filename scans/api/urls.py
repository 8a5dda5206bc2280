"""URLs under /api/v1/ of scanning, including Accounts, which have counts of Findings."""

from __future__ import annotations

from django.urls import path

from scans.api.accounts import AccountApi
from scans.api.controls import ControlApi
from scans.api.coverage import CoverageApi
from scans.api.findings import FindingApi
from scans.api.flows import FlowApi
from scans.api.frameworks import FrameworkApi
from scans.api.outcomes import OutcomeApi
from scans.api.scans import ScanApi
from scans.api.schedules import ScheduleApi

LIST, ONE = {"get": "list"}, {"get": "retrieve"}

urlpatterns = [
    path("accounts/", AccountApi.as_view(LIST), name="api-accounts"),
    path("accounts/<slug:account>/", AccountApi.as_view(ONE), name="api-account"),
    path("accounts/<slug:account>/coverage/", CoverageApi.as_view(LIST), name="api-coverage"),
    path("accounts/<slug:account>/rescan/", AccountApi.as_view({"post": "rescan"}), name="api-account-rescan"),
    path("scans/", ScanApi.as_view({"get": "list", "post": "create"}), name="api-scans"),
    path("scans/<int:scan>/", ScanApi.as_view(ONE), name="api-scan"),
    path("scans/<int:scan>/cancel/", ScanApi.as_view({"post": "cancel"}), name="api-scan-cancel"),
    path("scans/<int:scan>/resume/", ScanApi.as_view({"post": "resume"}), name="api-scan-resume"),
    path("scans/<int:scan>/progress/", ScanApi.as_view({"get": "progress"}), name="api-scan-progress"),
    path("scans/<int:scan>/gaps/", ScanApi.as_view({"get": "gaps"}), name="api-scan-gaps"),
    path("schedules/", ScheduleApi.as_view({"get": "list", "post": "create"}), name="api-schedules"),
    path(
        "schedules/<int:schedule>/",
        ScheduleApi.as_view({"get": "retrieve", "patch": "change", "delete": "remove"}),
        name="api-schedule",
    ),
    path("schedules/<int:schedule>/run/", ScheduleApi.as_view({"post": "run"}), name="api-schedule-run"),
    path("findings/", FindingApi.as_view(LIST), name="api-findings"),
    path("findings/<slug:fingerprint>/", FindingApi.as_view(ONE), name="api-finding"),
    path("controls/", ControlApi.as_view(LIST), name="api-controls"),
    path("controls/<str:control>/", ControlApi.as_view(ONE), name="api-control"),
    path("flows/", FlowApi.as_view(LIST), name="api-flows"),
    path("frameworks/", FrameworkApi.as_view(LIST), name="api-frameworks"),
    path("frameworks/<slug:framework>/", FrameworkApi.as_view(ONE), name="api-framework"),
    path("outcomes/", OutcomeApi.as_view(LIST), name="api-outcomes"),
]
