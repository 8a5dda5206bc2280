"""Runs what may hang in a process of its own, and fails the test if it does: no thread can be stopped from outside."""

from __future__ import annotations

import subprocess
import sys

HANGS = 60  # seconds: a generous guard, far beyond what the work takes on any machine


def answer_of(code: str, given: str = "") -> str:
    """What the code prints; `given` is its standard input. Fails where it hangs, dies or raises."""
    done = subprocess.run(
        [sys.executable, "-c", code], input=given, capture_output=True, text=True, timeout=HANGS, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()
