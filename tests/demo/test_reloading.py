"""make dev: the server starts again after a change, also after one that kept it from starting."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from demo import reloading

# Writes down that it started. It ends at once while a file says that it is broken, else it serves.
SERVER = """
import pathlib, sys, time
with open("starts", "a") as file: file.write("x")
if "broken" in pathlib.Path("scans/code.py").read_text(): sys.exit(1)
time.sleep(60)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in reloading.FOLDERS:
        (tmp_path / folder).mkdir()
    (tmp_path / "scans/code.py").write_text("fine", encoding="utf-8")
    (tmp_path / "server.py").write_text(SERVER, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("act", ["change", "make", "remove"])
def test_each_kind_of_change_is_seen(root: Path, act: str) -> None:
    seen = reloading.stamps(root)
    path = root / "scans/code.py"
    if act == "change":
        os.utime(path, ns=(1, 1))
    elif act == "make":
        path = root / "templates/new.html"
        path.write_text("", encoding="utf-8")
    else:
        path.unlink()
    (root / "scans/notes.md").write_text("not watched", encoding="utf-8")
    assert reloading.wait_for_change(root, seen, pause=0) == path.relative_to(root)


def test_server_starts_again_after_it_failed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starts, said, real = root / "starts", [], reloading.wait_for_change

    def count() -> int:
        return len(starts.read_text(encoding="utf-8")) if starts.exists() else 0

    def until(wanted: int) -> None:
        while count() < wanted:
            time.sleep(0.02)

    def wait(_root: Path, seen: dict[Path, int]) -> Path:
        """A person who changes the file once the server has started, and presses Ctrl-C at last."""
        until(len(said) + 1)
        if len(said) == 2:
            raise KeyboardInterrupt
        text = "broken" if len(said) == 0 else "fine once more"
        (root / "scans/code.py").write_text(text, encoding="utf-8")
        return real(root, seen, pause=0.02)

    monkeypatch.setattr(reloading, "wait_for_change", wait)
    command = [sys.executable, "server.py"]
    assert reloading.serve(command, root=root, environment=dict(os.environ), say=said.append) == 0
    assert (count(), len(said)) == (3, 2)
    assert said[0] == "scans/code.py has changed: starting again."
