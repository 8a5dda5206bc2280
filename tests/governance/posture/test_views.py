"""The posture page."""

from __future__ import annotations

from collections.abc import Callable
from unittest import mock

import pytest
from django.test import Client

from accounts.models import Account
from governance.posture import queries
from scans.models import AccountTotal
from scans.queries.cells import Counts
from tests.support import readers
from tests.support.inventory import Inventory


@pytest.fixture
def client(inventory: Inventory) -> Client:
    return readers.auditor()


def rows(client: Client, url: str = "/") -> dict[str, queries.PostureRow]:
    found = client.get(url).context["posture"].rows
    return {(row.account or row.unit).name if row.account or row.unit else "": row for row in found}


def cell(row: queries.PostureRow, group: str) -> Counts:
    return next(cell.counts for cell in row.cells if cell.group == group)


def test_posture_page_needs_a_grant(inventory: Inventory) -> None:
    assert readers.auditor().get("/").status_code == 200
    assert readers.operator().get("/").status_code == 200
    assert readers.outsider().get("/").status_code == 403
    assert Client().get("/")["Location"].startswith("/sign-in/?next=/")


def test_informational_controls_lower_no_score(client: Client, inventory: Inventory) -> None:
    """C14: they are counted and shown, but neither score, coverage nor color depends on them."""
    before = rows(client)["Root"]
    AccountTotal.objects.create(account=inventory.shop, control="SSM-NT-001", failed=900, unknown=90, passed=9)
    after = rows(client)["Root"]
    assert after.score == before.score
    assert cell(after, "NT") == Counts(9, 900, 90)
    assert [each.heat for each in after.cells] == [each.heat for each in before.cells]
    assert client.get("/scores/").context["scores"].score == before.score


def test_ous_sum_counts_below_them(client: Client) -> None:
    found = rows(client)
    assert list(found) == ["Root", "Production", "ledger", "Retail", "shop", "till", "Sandbox", "play"]
    assert cell(found["Root"], "PS") == Counts(7, 1, 1)
    assert cell(found["Production"], "PS") == Counts(4, 1, 1)
    assert cell(found["shop"], "S3") == Counts(1, 1, 0, 2)
    assert cell(found["ledger"], "S3") == Counts()
    assert found["till"].score.passing is None


def test_totals_keep_order_and_unknown_is_no_pass(client: Client) -> None:
    page = client.get("/")
    posture = page.context["posture"]
    assert posture.total == Counts(8, 2, 1, 2)
    assert (posture.score.passing, posture.score.known) == (72, 90)
    text = page.content.decode()
    order = [text.index(f'<span aria-hidden="true">{glyph}</span>') for glyph in "✔◆◇✖?–"]
    assert order == sorted(order)
    assert 'aria-label="8 pass, 0 excepted, 0 requested, 2 fail, 1 unknown, 2 not applicable"' in text


def test_numbers_link_to_matching_findings(client: Client) -> None:
    text = client.get("/").content.decode()
    for query in (
        "verdict=fail&amp;ou=ou-1-retail&amp;control=PS",
        "verdict=fail&amp;account=100000000001&amp;control=S3",
    ):
        assert f'href="/findings/?{query}"' in text
        answer = client.get("/findings/?" + query.replace("&amp;", "&"))
        assert answer.context["total"] == 1


def test_a_reader_without_findings_gets_numbers_without_links(inventory: Inventory) -> None:
    text = readers.operator().get("/").content.decode()
    assert "/findings/" not in text
    assert '<span class="big">2</span>' in text


def test_unread_accounts_are_reported_as_left_out(client: Client) -> None:
    assert "<strong>1 could not be read</strong>" in client.get("/").content.decode()


def test_choosing_an_ou_shows_that_part(client: Client) -> None:
    page = client.get("/?ou=ou-1-prod")
    assert page.context["posture"].total == Counts(5, 2, 1, 2)
    assert [unit.name for unit in page.context["above"]] == ["Root", "Production"]
    assert "Sandbox" not in page.content.decode()


def test_an_owner_sees_their_own_account_alone(inventory: Inventory) -> None:
    client = readers.owner(inventory.shop.account_id)
    assert list(rows(client)) == ["Root", "Production", "Retail", "shop"]
    assert client.get("/").context["posture"].total == Counts(5, 2, 0, 2)
    assert client.get("/?ou=ou-1-sandbox").status_code == 404


@pytest.mark.parametrize("ou", ["ou-nowhere", "r-1/ou-1-prod", "%", "'"])
def test_an_unknown_ou_is_not_found(client: Client, ou: str) -> None:
    assert client.get("/", {"ou": ou}).status_code == 404


def test_accounts_in_no_ou_have_a_row(inventory: Inventory, client: Client) -> None:
    Account.objects.filter(pk=inventory.play.pk).update(ou=None)
    found = rows(client)
    assert cell(found[""], "PS") == Counts(3)
    assert cell(found["Root"], "PS") == Counts(4, 1, 1)
    assert list(rows(client, "/?ou=none")) == ["", "play"]


def test_many_accounts_have_rows_only_in_chosen_ou(client: Client) -> None:
    with mock.patch.object(queries, "MAX_ACCOUNT_ROWS", 2):
        assert list(rows(client)) == ["Root", "Production", "Retail", "Sandbox"]
        assert "Choose an OU to see its accounts" in client.get("/").content.decode()
        assert list(rows(client, "/?ou=ou-1-prod")) == ["Root", "Production", "ledger", "Retail"]


def test_page_before_first_scan_gives_advice(inventory: Inventory) -> None:
    AccountTotal.objects.all().delete()
    assert "A scan operator can start a scan" in readers.auditor().get("/").content.decode()
    assert 'href="/scans/start/"' in readers.operator().get("/").content.decode()


def test_the_number_of_queries_is_bounded(client: Client, django_assert_max_num_queries: Callable[..., object]) -> None:
    with django_assert_max_num_queries(18):  # type: ignore[attr-defined]
        client.get("/")
