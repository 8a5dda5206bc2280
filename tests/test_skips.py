"""Where nothing may be skipped, a skip fails; elsewhere it says why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEST = """
import pytest

@pytest.mark.redis
def test_needs_redis(): pass

def test_skips(): pytest.skip("no such tool")

@pytest.mark.xfail
def test_expected(): assert False
"""


@pytest.fixture
def outcome(tmp_path: Path) -> object:
    """What pytest's closing line says of three tests, without Redis."""
    (tmp_path / "conftest.py").write_text("from tests.conftest import *\n")
    (tmp_path / "test_it.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nmarkers =\n    redis\n    postgres\n    slow\n    database\n    racing\n"
    )

    def run(**more: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:django", str(tmp_path)],
            cwd=tmp_path, capture_output=True, text=True, check=False,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TUTELA_TEST_REDIS_URL": "redis://127.0.0.1:1/0", **more},
        )  # fmt: skip
        return done.stdout.splitlines()[-1]

    return run


def test_skips_are_reported(outcome):
    assert outcome().startswith("2 skipped, 1 xfailed")


def test_skip_in_ci_fails_unless_allowed(outcome):
    assert outcome(TUTELA_TESTS_MUST_NOT_SKIP="1", TUTELA_TESTS_MAY_SKIP="postgres redis").startswith(
        "1 failed, 1 skipped, 1 xfailed"
    )


def test_in_ci_a_skip_by_hand_fails(outcome):
    assert outcome(TUTELA_TESTS_MUST_NOT_SKIP="1").startswith("1 failed, 1 passed, 1 xfailed")
