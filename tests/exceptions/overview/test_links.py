"""Nobody is shown a link that they may not follow."""

from __future__ import annotations

import re
from html import unescape

import pytest

from exceptions.tickets import lifecycle
from governance.core.policy import Role, ScopeKind
from governance.identity.models import User
from tests.support.browsing import browser, shown
from tests.support.inventory import ORG
from tests.support.people import person
from tests.support.story import Cast, acting

pytestmark = pytest.mark.django_db
HREF = re.compile(r'href="(/[^"#]*)"')


def reader(people: Cast, who: str) -> User:
    if who == "auditor":
        return person("anna", (Role.AUDITOR, ScopeKind.ORGANIZATION, ORG))
    if who == "narrow":
        return person("nina", (Role.GOVERNANCE_APPROVER, ScopeKind.ACCOUNT, people.inventory.shop.account_id))
    found: User = getattr(people, who)
    return found


@pytest.mark.parametrize("who", ["owner", "approver", "admin", "auditor", "narrow"])
def test_every_link_of_the_workflow_can_be_followed(people: Cast, who: str) -> None:
    asked, waiting = people.approved(), people.submitted(findings=[people.inventory.bucket.fingerprint])
    [ticket] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.secret])
    client = browser(reader(people, who))
    pages = [
        "/inbox/", "/exceptions/", "/exceptions/?q=nothing", "/exceptions/metrics/", f"/exceptions/{asked.pk}/",
        f"/exceptions/{waiting.pk}/", "/tickets/", "/tickets/?state=closed", f"/tickets/{ticket.pk}/",
        f"/findings/{people.inventory.secret.pk}/",
    ]  # fmt: skip
    links = {unescape(href) for page in pages for href in HREF.findall(shown(client, page))}
    links = {link for link in links if not link.startswith("/static/")}
    refused = {link: status for link in sorted(links) if (status := client.get(link).status_code) >= 400}
    assert refused == {}
    assert len(links) > 10


@pytest.mark.parametrize(("who", "there"), [("owner", False), ("narrow", False), ("approver", True), ("admin", True)])
def test_rules_link_needs_organization_wide_view(people: Cast, who: str, *, there: bool) -> None:
    client = browser(reader(people, who))
    for page in ("/tickets/", "/tickets/?state=closed"):
        assert ("/tickets/rules/" in shown(client, page)) == there, page
