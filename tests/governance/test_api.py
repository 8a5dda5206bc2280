"""The API as a whole: its document, its page, and whatever is not there."""

from __future__ import annotations

import json
import re
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import resolve
from openapi_spec_validator import validate

from governance.core.policy import Role, ScopeKind
from governance.rest.views import Api
from tests.scans.api.asking import ROOT, refused
from tests.support.inventory import ORG
from tests.support.people import person, signed_in
from tests.support.routes import every_route

pytestmark = pytest.mark.django_db


@pytest.fixture
def otto():
    """Signed in, with no grant."""
    return signed_in(person("otto"))


@pytest.fixture(scope="module")
def document():
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", stdout=out)
    return json.loads(out.getvalue())


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_the_document_is_valid_and_says_every_error(document):
    assert document["openapi"].startswith("3.1")
    validate(document)
    for path, method, operation in operations(document):
        expected = {"400", "401", "403", "405", "406", "500"} | ({"404"} if "{" in path else set())
        expected |= {"409", "413", "415", "422"} if method == "post" else set()
        assert expected <= set(operation["responses"]), (path, method)
        for status, response in operation["responses"].items():
            if status >= "400":
                assert set(response["content"]) == {"application/problem+json"}, (path, method, status)


def test_document_declares_404_for_query_objects(document):
    for name, expected in (("outcomes/", {"404", "409"}), ("flows/", {"404"})):
        assert expected <= set(document["paths"][ROOT + name]["get"]["responses"]), name


@pytest.mark.parametrize(
    ("method", "path", "accept", "status"),
    [
        ("get", "outcomes/?scan=99999", "*/*", 404),
        ("get", "flows/?account=999999999999", "*/*", 404),
        ("delete", "findings/", "*/*", 405),
        ("get", "findings/", "image/png", 406),
        ("get", "findings/?nonsense=1", "*/*", 400),
        ("post", "exceptions/", "*/*", 403),
    ],
)
def test_refusal_statuses_are_in_the_document(document, inventory, method, path, accept, status):
    auditor = signed_in(person("anna", (Role.AUDITOR, ScopeKind.ORGANIZATION, ORG)))
    refused(getattr(auditor, method)(ROOT + path, headers={"Accept": accept}), status)
    declared = document["paths"][ROOT + path.partition("?")[0]]
    said = declared.get(method) or next(iter(declared.values()))
    assert str(status) in said["responses"]


def test_the_document_covers_every_address(document):
    served = {
        re.sub(r"<\w+:(\w+)>", r"{\1}", str(route.pattern))
        for route in every_route()
        if issubclass(getattr(route.callback, "cls", object), Api)
    }
    assert len(served) > 40
    assert {path.removeprefix(ROOT) for path in document["paths"]} == served


def test_api_page_lists_every_address_with_permission(document):
    """docs/api.md, row by row: `METHOD address`, …, | what | `permission`."""
    written = {}
    for line in (settings.BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            addresses, _, permission = line.strip("| ").split(" | ")
            needed = frozenset(re.findall(r"`([^`]+)`", permission))
            written |= dict.fromkeys(re.findall(r"`([A-Z]+ [^`]+)`", addresses), needed)
    there = {}
    for path, method, _ in operations(document):
        view = resolve(re.sub(r"{\w+}", "1", path)).func
        needed = view.cls.permissions[view.actions[method]]
        several = needed if isinstance(needed, frozenset) else {needed}
        there[f"{method.upper()} {path.removeprefix(ROOT)}"] = frozenset(map(str, several))
    assert {address: written.get(address) for address in there} == there
    assert written.keys() <= there.keys()


def test_document_declares_idempotency_key_and_throttling(document):
    for path, method, operation in operations(document):
        taken = {p["name"] for p in operation.get("parameters", []) if p["in"] == "header"}
        assert ("Idempotency-Key" in taken) == (method == "post"), path
    assert "429" in document["paths"][ROOT + "scans/"]["post"]["responses"]
    assert "429" in document["paths"][ROOT + "outcomes/"]["get"]["responses"]


def test_outcomes_come_as_pages_and_as_lines(document):
    content = document["paths"][ROOT + "outcomes/"]["get"]["responses"]["200"]["content"]
    assert content["application/json"]["schema"]["$ref"].endswith("/OutcomePage")
    assert content["application/x-ndjson"]["schema"]["$ref"].endswith("/Outcome")


def test_document_needs_sign_in(otto, document):
    refused(Client().get(ROOT + "schema/"), 401)
    answer = otto.get(ROOT + "schema/")
    assert answer.status_code == 200
    assert json.loads(answer.content)["paths"].keys() == document["paths"].keys()


def test_docs_page_keeps_strict_scripts_and_loads_locally(otto):
    refused(Client().get(ROOT + "docs/"), 401)
    answer = otto.get(ROOT + "docs/")
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self';" in policy + ";"
    assert "style-src 'self' 'unsafe-inline'" in policy
    page = answer.content.decode()
    assert "//cdn" not in page
    assert "http://" not in page.replace("http://testserver", "")
    script = otto.get(ROOT + "docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert ROOT + "schema/" in script.content.decode()


def test_other_pages_keep_the_strict_policy(otto):
    assert "unsafe-inline" not in otto.get(ROOT + "schema/")["Content-Security-Policy"]


def test_unknown_api_address_is_a_problem_not_a_page(otto):
    for path in (ROOT, ROOT + "nothing/", ROOT + "accounts", ROOT + "accounts/1/2/", "/api/v2/accounts/"):
        assert refused(otto.get(path), 404)["instance"] == path
    refused(Client().get(ROOT + "nothing/"), 401)
    refused(otto.post(ROOT + "nothing/", {}, content_type="application/json"), 404)


def test_pages_still_get_pages(otto):
    answer = otto.get("/nothing/")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")
