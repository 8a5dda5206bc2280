"""Frameworks and the source document's statements, as pages."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.support import readers
from tests.support.inventory import Inventory

PAGES = (
    "/frameworks/",
    "/frameworks/source/",
    "/frameworks/fsbp/",
    "/frameworks/source/S16/",
    "/frameworks/fsbp/S3.5/",
)


def shown(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


@pytest.mark.parametrize("url", PAGES)
def test_frameworks_need_a_grant(inventory: Inventory, url: str) -> None:
    shown(readers.auditor(), url)
    assert readers.outsider().get(url).status_code == 403


def test_statement_links_accounts_where_it_fails(inventory: Inventory) -> None:
    page = shown(readers.auditor(), "/frameworks/source/S16/")
    assert "Don&#x27;t store sensitive data in a String or StringList parameter." in page
    assert f"?control=SSM-PS-001&amp;account={inventory.shop.account_id}" in page
    assert "ledger" in page, "what is unknown is listed as well"
    assert "play" not in page.replace("display", "")


def test_an_owner_s_pages_name_no_other_account(inventory: Inventory) -> None:
    page = shown(readers.owner(inventory.shop.account_id), "/frameworks/source/S16/")
    assert inventory.shop.account_id in page
    assert inventory.ledger.account_id not in page
    assert "ledger" not in page


def test_the_provider_s_half_is_attested_and_never_a_pass(inventory: Inventory) -> None:
    page = shown(readers.auditor(), "/frameworks/source/S21/")
    assert "attested by AWS" in page
    assert "verdict-pass" not in page


def test_never_read_accounts_are_counted(inventory: Inventory) -> None:
    assert "1 of 4 accounts were never read" in shown(readers.auditor(), "/frameworks/source/")


def test_frameworks_show_version_source_and_date(inventory: Inventory) -> None:
    auditor = readers.auditor()
    page = shown(auditor, "/frameworks/cis-v5-0/")
    assert "<dd>5.0.0</dd>" in page
    assert 'href="https://docs.aws.amazon.com/securityhub/latest/userguide/cis-aws-foundations-benchmark.html"' in page
    assert "<dt>Read on</dt><dd>2026-11-29</dd>" in page
    listed = shown(auditor, "/frameworks/")
    assert '<td>4.0.1</td><td class="nowrap">2026-11-29</td>' in listed
    source = shown(auditor, "/frameworks/source/")
    assert "systems-manager/latest/userguide/data-protection.html" in source
    assert "Read on" not in source, "its sentences have no date"


@pytest.mark.parametrize(
    "url",
    [
        "/frameworks/iso/",
        "/frameworks/pci-dss-4-0/",
        "/frameworks/fsbp/S3.17/",
        "/frameworks/source/S99/",
        "/frameworks/fsbp/EC2.9999/",
    ],
)
def test_unknown_framework_is_not_found(inventory: Inventory, url: str) -> None:
    assert readers.auditor().get(url).status_code == 404


def test_a_scan_operator_gets_no_links_to_findings(inventory: Inventory) -> None:
    assert "/findings/?" not in shown(readers.operator(), "/frameworks/source/S16/")
