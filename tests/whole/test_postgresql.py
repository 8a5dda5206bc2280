"""The tests about rows, claims and the trail, again on PostgreSQL: the suite's own run is on SQLite."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.whole.databases import new_database
from tests.whole.portal import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.long(rank=1)]

SAME = (
    *(
        f"tests/scans/pipeline/test_{name}.py"
        for name in (
            "target_worker", "target_worker_failing", "leases", "reconcile", "posture_cells", "due_schedules",
            "schedule_changes_at_once", "rescan_at_once", "completion", "completion_failing", "foreground",
            "owner_not_read", "start",
        )
    ),
    "tests/scans/test_tasks.py", "tests/accounts", "tests/governance/core", "tests/governance/notify",
    "tests/governance/rest/test_idempotency.py", "tests/governance/rest/test_idempotency_at_once.py",
    "tests/governance/identity/grants/test_grants_at_once.py",
    *(
        f"tests/exceptions/requests/test_{name}.py"
        for name in (
            "attachments", "expiry", "deciding", "deciding_bound", "drafting", "drift", "grantors", "owners_by_hand",
            "renewing",
        )
    ),
    *(f"tests/exceptions/tickets/test_{name}.py" for name in ("outbox", "verification", "ticket_rules", "lifecycle")),
    "tests/exceptions/test_at_once.py", "tests/attack/test_identity_as_text.py", "tests/attack/test_text_from_aws.py",
    "tests/attack/test_text_in_discovery.py",
)  # fmt: skip


def test_selected_tests_pass_on_postgresql() -> None:
    with new_database() as empty:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "django_db and not slow", *SAME],
            cwd=ROOT, env={**os.environ, "DATABASE_URL": empty}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout.splitlines()[-1]
