"""Every URL of the portal. The views live in their apps; each one declares its permission."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from governance import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", include("governance.identity.urls")),
    path("", include("governance.audit.urls")),
    path("api/v1/", include("governance.api")),
    path("", include("accounts.urls")),
    path("", include("exceptions.urls")),
    path("", include("scans.urls")),
    path("", include("governance.posture.urls")),
]

handler400 = "governance.error_responses.bad_request"
handler403 = "governance.error_responses.permission_denied"
handler404 = "governance.error_responses.page_not_found"
handler500 = "governance.error_responses.server_error"
