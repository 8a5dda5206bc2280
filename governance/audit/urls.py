"""URLs of the audit trail."""

from __future__ import annotations

from django.urls import URLPattern, path

from governance.audit import views

urlpatterns: list[URLPattern] = [
    path("audit/", views.trail, name="audit"),
    path("audit/export/", views.export, name="audit-export"),
    path("audit/verify_audit.py", views.program, name="audit-program"),
]
