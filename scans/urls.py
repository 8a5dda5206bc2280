"""The pages of accounts, scans, findings and controls. /accounts/ means AWS accounts."""

from __future__ import annotations

from django.urls import path

from scans.views import (
    accounts,
    compare,
    controls,
    coverage,
    findings,
    flows,
    frameworks,
    history,
    rescan,
    scans,
    start,
    whatif,
)

urlpatterns = [
    path("accounts/", accounts.inventory, name="inventory"),
    path("accounts/<str:account_id>/", accounts.account, name="account"),
    path("accounts/<str:account_id>/coverage/", coverage.account_coverage, name="account-coverage"),
    path("accounts/<str:account_id>/as-of/", history.account_as_of, name="account-as-of"),
    path("accounts/<str:account_id>/rescan/", rescan.account_rescan, name="account-rescan"),
    path("findings/", findings.findings, name="findings"),
    path("findings/by-control/", findings.findings_by_control, name="findings-by-control"),
    path("findings/export/", findings.findings_export, name="findings-export"),
    path("findings/<int:pk>/", findings.finding, name="finding"),
    path("findings/<int:pk>/as-of/", history.finding_as_of, name="finding-as-of"),
    path("findings/<int:pk>/rescan/", rescan.finding_rescan, name="finding-rescan"),
    path("findings/<int:pk>/what-if/", whatif.what_if, name="finding-what-if"),
    path("flows/", flows.flows, name="flows"),
    path("flows/export/", flows.flows_export, name="flows-export"),
    path("frameworks/", frameworks.frameworks, name="frameworks"),
    path("frameworks/<slug:id>/", frameworks.framework, name="framework"),
    path("frameworks/<slug:id>/<str:requirement>/", frameworks.requirement, name="requirement"),
    path("scans/", scans.scans, name="scans"),
    path("scans/start/", start.scan_start, name="scan-start"),
    path("scans/<int:pk>/", scans.scan, name="scan"),
    path("scans/<int:pk>/progress/", scans.scan_progress, name="scan-progress"),
    path("scans/<int:pk>/cancel/", scans.scan_cancel, name="scan-cancel"),
    path("scans/<int:pk>/resume/", scans.scan_resume, name="scan-resume"),
    path("scans/<int:pk>/compare/", compare.compare_with, name="scan-compare-with"),
    path("scans/<int:before>/compare/<int:after>/", compare.compare, name="scan-compare"),
    path("controls/", controls.controls, name="controls"),
    path("controls/<str:id>/", controls.control, name="control"),
]
