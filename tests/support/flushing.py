"""Lets tests that commit empty the database afterwards, although triggers refuse to empty the audit trail and the decisions."""

from __future__ import annotations

import pytest


def allow(patch: pytest.MonkeyPatch) -> None:
    from django.db import connections
    from django.test.testcases import TransactionTestCase

    from exceptions import triggers
    from governance.core import append_only

    flush = TransactionTestCase._fixture_teardown

    def unguarded(self: TransactionTestCase) -> None:
        for connection in connections.all(initialized_only=True):
            append_only.remove_audit_triggers(connection)
            triggers.remove_decision_triggers(connection)
        flush(self)
        for connection in connections.all(initialized_only=True):
            append_only.install_audit_triggers(connection)
            triggers.install_decision_triggers(connection)

    patch.setattr(TransactionTestCase, "_fixture_teardown", unguarded)
