"""URLs of sign-in by SAML. They exist only if SAML is configured, because its library is an extra."""

from __future__ import annotations

from django.urls import URLPattern, path

from governance.identity.sso import saml

urlpatterns: list[URLPattern] = [
    path("sign-in/saml/", saml.start_saml_login, {"organization_slug": saml.SAML_CONNECTION_NAME}, name="saml_login"),
    path("sign-in/saml/answer/", saml.receive_saml_response, name="saml_acs"),
    path("sign-in/saml/finish/", saml.finish_saml_login, name="saml_finish_acs"),
    path("sign-in/saml/metadata/", saml.show_saml_metadata, name="saml_metadata"),
]
