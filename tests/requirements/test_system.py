"""The declared programs: found, installed where that may be done, else one line says what to type."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from requirements import system

Programs = Callable[..., Path]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """programs(name="what its shell script does"): nothing else is on PATH. Each writes down how it was called."""

    def on_path(**scripts: str) -> Path:
        folder, calls = tmp_path / "bin", tmp_path / "calls"
        folder.mkdir(exist_ok=True)
        calls.touch()
        for name, script in scripts.items():
            path = folder / name.replace("_", "-")
            path.write_text(f'#!/bin/sh\necho "{path.name} $*" >> {calls}\n{script}\n')
            path.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))
        return calls

    return on_path


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda uid: monkeypatch.setattr(system.os, "geteuid", lambda: uid)


@pytest.fixture
def one_tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A declared program; it is there once this file is."""
    there = tmp_path / "there"
    tool = system.Tool("browser", "Chromium", "tests of pages", there.exists, "chromium", "--cask google-chrome")
    monkeypatch.setattr(system, "TOOLS", (tool,))
    return there


def test_present_tool_is_not_installed(programs, one_tool, capsys):
    calls = programs(apt_get="")
    one_tool.touch()
    assert system.main("browser") == 0
    assert calls.read_text() == ""
    assert capsys.readouterr() == ("", "")


def test_root_installs_with_apt_and_reports_it(programs, user, one_tool, capsys):
    calls = programs(apt_get=f'case "$*" in *install*) : > {one_tool};; esac', env='shift; exec "$@"')
    user(0)
    assert system.main("browser") == 0
    said = [line for line in calls.read_text().splitlines() if line.startswith("apt-get")]
    assert [line.split()[4] for line in said] == ["update", "install"]
    assert said[1].endswith("--no-install-recommends chromium")
    assert capsys.readouterr().out == "Installing with apt: chromium\n"


def test_user_installs_with_passwordless_sudo(programs, user, one_tool):
    calls = programs(
        sudo='[ "$1" = -n ] && shift; [ "$1" = true ] || exec "$@"', env='shift; exec "$@"',
        apt_get=f'case "$*" in *install*) : > {one_tool};; esac',
    )  # fmt: skip
    user(1000)
    assert system.main("browser") == 0
    assert "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get" in calls.read_text()


@pytest.mark.parametrize("sudo", [True, False])
def test_user_without_sudo_is_told_the_command(programs, user, one_tool, capsys, sudo):
    calls = programs(apt_get="", **({"sudo": "exit 1"} if sudo else {}))
    user(1000)
    assert system.main("browser") == 1
    assert "apt-get" not in calls.read_text()
    assert capsys.readouterr().err == (
        "Missing: Chromium (for tests of pages). "
        "Run: sudo apt-get update && sudo apt-get install --yes --no-install-recommends chromium\n"
    )


def test_apt_failure_output_is_shown(programs, user, one_tool, capsys):
    programs(
        apt_get='case "$*" in *update*) echo "W: Failed to fetch";; *install*) echo "E: Unable to locate package"; exit 100;; esac',
        env='shift; exec "$@"',
    )
    user(0)
    assert system.main("browser") == 1
    said = capsys.readouterr().err.splitlines()
    assert said[:2] == ["W: Failed to fetch", "E: Unable to locate package"]
    assert said[2].startswith("Missing: Chromium (for tests of pages). Run: apt-get update && apt-get install")


def test_macos_is_told_brews_line(programs, one_tool, monkeypatch, capsys):
    programs()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert system.main("browser") == 1
    assert capsys.readouterr().err.endswith("Run: brew install --cask google-chrome\n")


def test_other_systems_are_told_package_names(programs, one_tool, monkeypatch, capsys):
    programs()
    monkeypatch.setattr(sys, "platform", "linux")
    assert system.main("browser") == 1
    assert capsys.readouterr().err.endswith("Install what your system calls chromium.\n")


def test_python_without_ensurepip_is_noticed(monkeypatch):
    found = system.importlib.util.find_spec
    monkeypatch.setattr(system.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else found(name))
    assert [tool.debian for tool in system.missing("venv")] == ["python3-venv"]


def test_a_missing_library_is_noticed(monkeypatch):
    def refuse(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(system.ctypes, "CDLL", refuse)
    monkeypatch.setattr(system, "browser", lambda: "/usr/bin/chromium")
    monkeypatch.setattr(sys, "platform", "linux")
    assert [tool.debian for tool in system.missing("browser")] == ["libatomic1"]
    monkeypatch.setattr(sys, "platform", "darwin")
    assert system.missing("browser") == []
