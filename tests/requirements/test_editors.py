"""The files that editors, git and containers read."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_hooks_before_a_commit_fetch_nothing() -> None:
    file = ROOT / ".pre-commit-config.yaml"
    subprocess.run([sys.executable, "-m", "pre_commit", "validate-config", str(file)], check=True)
    [repo] = yaml.safe_load(file.read_text(encoding="utf-8"))["repos"]
    assert repo["repo"] == "local"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for hook in repo["hooks"]:
        assert hook["language"] == "system"
        program = hook["entry"].split()[0]
        assert program.startswith(".venv/bin/")
        assert f"$(VENV)/bin/{program.removeprefix('.venv/bin/')}" in makefile, "not among what `make check` runs"


def test_container_makes_targets_that_exist() -> None:
    said = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    words = said["postCreateCommand"].split("&&")[0].split()
    assert words[0] == "make"
    assert set(words[1:]) <= targets()
    named = {re.search(r"make ([a-z-]+)", port["label"])[1] for port in said["portsAttributes"].values()}
    assert named <= targets()


def test_editors_are_told_what_the_formatter_does() -> None:
    said = ConfigParser()
    said.read_string("[top]\n" + (ROOT / ".editorconfig").read_text(encoding="utf-8"))
    assert said["top"]["root"] == "true"
    assert said["*"]["max_line_length"] == "120"
    assert said["*.py"]["indent_size"] == "4"
    assert said["Makefile"]["indent_style"] == "tab"


def test_revisions_for_blame_are_full_hashes() -> None:
    lines = (ROOT / ".git-blame-ignore-revs").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert [line for line in lines if not re.fullmatch(r"#.*|[0-9a-f]{40}|", line)] == []
