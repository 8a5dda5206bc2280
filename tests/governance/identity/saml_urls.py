"""The portal's addresses as they are with SAML configured."""

from __future__ import annotations

from django.urls import include, path

from governance import urls

urlpatterns = [path("", include("governance.identity.sso.saml_urls")), *urls.urlpatterns]
handler404 = urls.handler404
