"""Drives the product as its users do: manage.py in a process, over a database and a served organization."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Ran:
    status: int
    out: str
    err: str


@dataclass
class Portal:
    """One installation: an environment, and the commands in it."""

    environment: dict[str, str]

    def run(self, *words: str, **more: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT, env={**self.environment, **more}, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)

    def must(self, *words: str, status: int = 0, **more: str) -> Ran:
        ran = self.run(*words, **more)
        assert ran.status == status, (words, ran.status, ran.out[-3000:], ran.err[-3000:])
        return ran

    def outcomes(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.must("export", "outcomes").out.splitlines()]


def bare_environment(**more: str) -> dict[str, str]:
    """The environment of a new user: nothing of ours, nothing of AWS's."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TUTELA_", "DJANGO_", "DATABASE_", "BROKER_"))
    }
    kept.pop("SECRET_KEY", None)
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true", **more}


def verdicts(rows: list[dict[str, Any]]) -> dict[tuple[str, str, str, str], str]:
    """(control, account, region, resource) -> verdict; no identity may come twice."""
    found: dict[tuple[str, str, str, str], str] = {}
    for row in rows:
        identity = (row["control"], row["account"], row["region"], row["resource"])
        assert identity not in found, identity
        found[identity] = row["verdict"]
    return found


def wrong(got: list[dict[str, Any]], truth: list[dict[str, Any]]) -> list[str]:
    """Every difference between what was judged and what was seeded, as lines to read."""
    ours, theirs = verdicts(got), verdicts(truth)
    return [
        f"{' '.join(identity)}: said {ours.get(identity, 'nothing')}, seeded {theirs.get(identity, 'nothing')}"
        for identity in sorted(ours.keys() | theirs.keys())
        if ours.get(identity) != theirs.get(identity)
    ]
