"""The programs that pip can't install, declared once: looks for them, installs them with apt, or says what to type.

    python3 requirements/system.py GROUP     groups: venv, browser, servers, bare

Runs before there is a virtual environment, so it needs nothing but Python. Ends with 1 if something is still missing.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def browser() -> str | None:
    """The Chromium of this machine; not the one that Playwright may have fetched."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def has_ensurepip() -> bool:
    return all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))


def has_libatomic() -> bool:
    """Of Linux only: the node that Playwright ships is linked with it."""
    try:
        return sys.platform != "linux" or bool(ctypes.CDLL("libatomic.so.1"))
    except OSError:
        return False


def has_server(port: int, program: str) -> bool:
    """It answers on this machine, or could be started."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0 or any(Path("/usr").glob(program))


@dataclass(frozen=True)
class Tool:
    """name: as people know it; why: what lacks it can't do; there: is it on this machine?"""

    group: str
    name: str
    why: str
    there: Callable[[], object]
    debian: str
    brew: str = ""


# Beside Python 3.11 or newer, make and a POSIX shell with the standard tools.
TOOLS = (
    Tool("venv", "Python's venv with pip", ".venv", has_ensurepip, "python3-venv", "python"),
    Tool("browser", "Chromium", "tests of pages", browser, "chromium", "--cask google-chrome"),
    Tool("browser", "libatomic", "Playwright, which drives Chromium", has_libatomic, "libatomic1"),
    # .ci/run and .ci/bare alone install these. Elsewhere the tests that need a server are skipped where none answers.
    Tool("servers", "PostgreSQL", "tests", lambda: has_server(5432, "lib/postgresql/*/bin/postgres"), "postgresql"),
    Tool("servers", "Redis", "tests", lambda: has_server(6379, "bin/redis-server"), "redis-server"),
    Tool("bare", "debootstrap", "the run on a bare machine", lambda: shutil.which("debootstrap"), "debootstrap"),
)


def missing(group: str) -> list[Tool]:
    return [tool for tool in TOOLS if tool.group == group and not tool.there()]


def advice(tools: list[Tool]) -> str:
    """One line: what is missing, for what, and exactly what to type."""
    named = " and ".join(f"{tool.name} (for {tool.why})" for tool in tools)
    return f"Missing: {named}. {command(tools)}"


def command(tools: list[Tool]) -> str:
    if shutil.which("apt-get"):
        packages = " ".join(tool.debian for tool in tools)
        sudo = "" if os.geteuid() == 0 else "sudo "
        return f"Run: {sudo}apt-get update && {sudo}apt-get install --yes --no-install-recommends {packages}"
    if sys.platform == "darwin":
        return "Run: " + " && ".join(f"brew install {tool.brew}" for tool in tools if tool.brew)
    return f"Install what your system calls {', '.join(tool.debian for tool in tools)}."


def root() -> list[str] | None:
    """What makes a command run as root without asking anybody: nothing, or sudo. None: nothing does."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    return None


def install(tools: list[Tool]) -> str:
    """Install them with apt, if that may be done. What it said."""
    become = root()
    if become is None or not shutil.which("apt-get"):
        return ""
    packages = [tool.debian for tool in tools]
    said = ""
    print(f"Installing with apt: {' '.join(packages)}", flush=True)
    apt = [*become, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=120"]
    for words in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = subprocess.run([*apt, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        said += done.stdout
    # An update that failed matters only if what is wanted isn't there afterwards; it may end with 0 all the same.
    return said[-4000:]


def main(group: str) -> int:
    if not (wanted := missing(group)):
        return 0
    said = install(wanted)
    importlib.invalidate_caches()
    if not (wanted := missing(group)):
        return 0
    print(f"{said}{advice(wanted)}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
