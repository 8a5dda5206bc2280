"""Single sign-on by SAML; there only where it is configured, since its library is an extra."""

from __future__ import annotations

from django.urls import URLPattern, path

from governance.identity.sso import saml

urlpatterns: list[URLPattern] = [
    path("sign-in/saml/", saml.start, {"organization_slug": saml.NAME}, name="saml_login"),
    path("sign-in/saml/answer/", saml.answer, name="saml_acs"),
    path("sign-in/saml/finish/", saml.finish, name="saml_finish_acs"),
    path("sign-in/saml/metadata/", saml.metadata, name="saml_metadata"),
]
