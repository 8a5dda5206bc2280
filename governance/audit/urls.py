"""URLs of the audit trail."""

from __future__ import annotations

from django.urls import URLPattern, path

from governance.audit import views

urlpatterns: list[URLPattern] = [
    path("audit/", views.show_audit_trail, name="audit"),
    path("audit/export/", views.export_trail_view, name="audit-export"),
    path("audit/verify_audit.py", views.download_verifier, name="audit-program"),
]
