"""Pages for people who are signed in stay with them; what is for anybody may be kept."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from governance.core.policy import Role, ScopeKind
from governance.middleware import NoStoreMiddleware
from tests.support.people import person, signed_in

pytestmark = pytest.mark.django_db


def test_signed_in_page_is_not_stored() -> None:
    ada = signed_in(person("ada", (Role.AUDITOR, ScopeKind.ORGANIZATION, "o-1")))
    assert "no-store" in ada.get("/").headers["Cache-Control"]


def test_a_refusal_is_not_kept_either() -> None:
    assert "no-store" in signed_in(person("outsider")).get("/").headers["Cache-Control"]


def test_public_page_gets_no_cache_header() -> None:
    assert "Cache-Control" not in Client().get("/healthz").headers


def test_view_with_own_cache_header_keeps_it() -> None:
    request = RequestFactory().get("/")
    request.user = person("ada")
    response = HttpResponse(headers={"Cache-Control": "private, max-age=60"})
    assert NoStoreMiddleware(lambda _: response)(request).headers["Cache-Control"] == "private, max-age=60"
