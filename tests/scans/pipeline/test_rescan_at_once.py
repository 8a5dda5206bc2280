"""Two rescans of one account at once start one scan. SQLite has one writer, so this needs PostgreSQL."""

from __future__ import annotations

from functools import partial

import pytest

from governance.core.policy import Role, ScopeKind
from scans.models import Scan
from scans.pipeline.rescan import rescan_account
from tests.governance.core.test_audit_at_once import at_once
from tests.scans.orders import company, holding

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.racing]


def test_concurrent_rescans_start_one_scan() -> None:
    account = company().accounts.select_related("organization", "ou").get(name="payments")
    owner = holding(Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, account.account_id)
    done = at_once(*[partial(rescan_account, actor=owner, account=account)] * 2)
    assert sorted(each.started for each in done) == [False, True]
    assert {each.scan.pk for each in done} == {Scan.objects.get().pk}
