"""Runs a server and starts it again after each change of the code, for `make dev`."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

FOLDERS = ("governance", "accounts", "scans", "exceptions", "templates", "static")
SUFFIXES = {".py", ".html", ".svg", ".css", ".js", ".txt"}
SECONDS_TO_STOP = 5


def serve(command: Sequence[str], *, root: Path, environment: Mapping[str, str], say: Callable[[str], None]) -> int:
    """Until Ctrl-C. A server that ended by itself, say over a syntax error, is started again by the next change."""
    while True:
        seen = stamps(root)
        server = subprocess.Popen(command, cwd=root, env=environment)
        try:
            changed = wait_for_change(root, seen)
        except KeyboardInterrupt:
            return 0
        finally:
            stop(server)
        say(f"{changed} has changed: starting again.")


def stamps(root: Path) -> dict[Path, int]:
    """Each watched file and when it was written. A file that goes away while they are listed has changed."""
    found: dict[Path, int] = {}
    for folder in FOLDERS:
        for path in (root / folder).rglob("*"):
            if path.suffix in SUFFIXES:
                try:
                    found[path] = path.stat().st_mtime_ns
                except FileNotFoundError:
                    found[path] = -1
    return found


def wait_for_change(root: Path, seen: dict[Path, int], *, pause: float = 1) -> Path:
    """The first file that was changed, made or removed."""
    while True:
        time.sleep(pause)
        now = stamps(root)
        for path in sorted(seen.keys() | now.keys()):
            if seen.get(path) != now.get(path):
                return path.relative_to(root)


def stop(server: subprocess.Popen[bytes]) -> None:
    """Targets that it worked on are taken up by the next one."""
    server.terminate()
    try:
        server.wait(timeout=SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
