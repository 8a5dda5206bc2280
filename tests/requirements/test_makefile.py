"""The Makefile, run with programs that only write down how they were called."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def make(tmp_path: Path) -> Any:
    """make(target, uv="script of uv"): (status, what it printed, calls). python ends with `status` where it runs the demo."""
    calls = tmp_path / "calls"

    def write(path: Path, script: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "${{0##*/}} $*" >> {calls}\n{script}\n')
        path.chmod(0o755)

    def run(
        target: str, *words: str, installed: bool = True, uv: str | None = None, status: int = 0, pip: int = 0
    ) -> tuple[int, str, list[str]]:
        calls.write_text("")
        python = (
            f'case "$*" in *"-m demo"*) exit {status};; *"-m pip"*) exit {pip};; '
            '*"-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python;; esac'
        )
        write(tmp_path / "bin" / "python3", python)
        for file in ("Makefile", "requirements-dev.txt"):
            shutil.copy2(ROOT / file, tmp_path)
        if installed and not (tmp_path / ".venv").exists():
            write(tmp_path / ".venv/bin/python", python)
            (tmp_path / ".venv/.installed").touch()
        if uv is not None:
            write(tmp_path / "bin" / "uv", uv)
        here = str(tmp_path / "bin")
        for name in ("make", "sh", "mkdir", "cp", "touch"):
            if not (tmp_path / "bin" / name).exists():
                (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
        done = subprocess.run(
            ["make", target, *words], cwd=tmp_path, capture_output=True, text=True, check=False,
            env={"PATH": here},
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr, calls.read_text().splitlines()

    return run


def test_partial_once_scan_is_reported_without_failure(make):
    status, said, calls = make("demo", "ONCE=1", status=3)
    assert (status, calls) == (0, ["python -m demo --once"])
    assert said == "The scan is partial: what could not be read is listed above. (python -m demo --once ends with 3.)\n"


def test_complete_once_scan_prints_nothing(make):
    assert make("demo", "ONCE=1") == (0, "", ["python -m demo --once"])


@pytest.mark.parametrize("ended", [1, 2, 4, 130])
def test_other_statuses_of_a_scan_fail(make, ended):
    status, said, _ = make("demo", "ONCE=1", status=ended)
    assert status == 2
    assert f"Error {ended}" in said
    assert "partial" not in said


def test_a_portal_that_ends_with_3_fails(make):
    status, said, calls = make("demo", "PORT=9000", status=3)
    assert (status, calls) == (2, ["python -m demo --port 9000"])
    assert "Error 3" in said


def test_the_demo_is_served_with_reload(make):
    assert make("dev", "PORT=9000") == (0, "", ["python -m demo --reload --port 9000"])


def test_selected_tests_run_without_workers_or_browser(make):
    status, said, calls = make("test", "T=tests/scans/test_engine.py")
    assert (status, calls) == (0, ["python -m pytest tests/scans/test_engine.py"]), said


def test_all_tests_run_in_two_processes(make):
    status, said, calls = make("test")
    assert status == 0, said
    assert calls == [
        "python3 requirements/system.py browser", "python -m pytest -n 2 --dist loadfile --no-loadscope-reorder",
    ]  # fmt: skip


def test_test_long_audits_measures_and_tries_more_examples(make):
    status, said, calls = make("test-long")
    assert status == 0, said
    assert calls[0] == "python requirements/audit.py requirements-dev.txt"
    assert {"--hypothesis-profile=long", "--cov"} <= set(calls[1].split())


def test_checks_scan_for_insecure_code_and_try_few_examples(make):
    status, said, _ = make("check", "-n")
    assert status == 0, said
    assert ".venv/bin/bandit --quiet --configfile pyproject.toml --recursive governance accounts scans" in said
    assert "--hypothesis-profile=check" in said


def test_pip_installs_with_hashes_after_its_prerequisites(make):
    status, said, calls = make("install", installed=False)
    assert status == 0, said
    assert calls[1:] == [
        "python3 requirements/system.py venv",
        "python3 -m venv .venv",
        "python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt",
    ]


def test_uv_installs_with_hashes_where_it_is(make):
    status, said, calls = make("install", installed=False, uv="mkdir -p .venv")
    assert status == 0, said
    venv, install = map(shlex.split, calls[1:])
    assert venv[:2] == ["uv", "venv"]
    assert venv[-3:-1] == ["--python", "python3"]
    assert install[:3] == ["uv", "pip", "install"]
    assert "--require-hashes" in install


def test_pip_installs_where_uv_can_not(make):
    status, said, calls = make(
        "install", installed=False, uv='case "$*" in pip*) echo "uv: no such index" >&2; exit 2;; esac'
    )
    assert status == 0, said
    assert "uv: no such index" in said
    assert calls[-1].startswith("python -m pip install")


def test_failed_install_is_not_marked_installed(make, tmp_path):
    status, _, calls = make("install", installed=False, pip=1)
    assert status == 2
    assert "-m pip install" in calls[-1]
    assert not (tmp_path / ".venv/.installed").exists()


def test_install_stays_until_the_lock_changes(make, tmp_path):
    make("install", installed=False)
    assert make("install")[::2] == (0, [])
    (tmp_path / "requirements-dev.txt").touch()
    os.utime(tmp_path / ".venv/.installed", (0, 0))
    assert "-m pip install" in make("install")[2][-1]
