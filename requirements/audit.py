"""Compares the locked packages with published advisories. Where none can be had, one line says so.

    python requirements/audit.py LOCK…

Ends with 1 if a package has an advisory that isn't accepted below, or if the comparison itself is broken.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

# Advisories that don't reach us -> why not.
ACCEPTED: dict[str, str] = {}
# How pip-audit's last line begins or ends where the service can't be reached, or something in between answers in its place.
NOT_REACHED = re.compile(
    r"(Connection|ConnectTimeout|ReadTimeout|Proxy|SSL|Service|JSONDecode)Error|Timeout|may be blocking"
)
SECONDS = 300


@dataclass(frozen=True)
class Audited:
    """What pip-audit said: its packages, or in `trouble` why there are none."""

    packages: list[dict[str, Any]]
    trouble: str = ""


def main(locks: list[str]) -> int:
    audited = audit(locks)
    reason = audited.trouble.splitlines()[-1][:200] if audited.trouble else ""
    if reason and not NOT_REACHED.search(reason):
        print(audited.trouble, file=sys.stderr)
        return 1
    if reason:
        print(f"No advisories could be had, so the locked packages were NOT compared with any: {reason}")
        return 0
    return report(audited.packages)


def audit(locks: list[str]) -> Audited:
    words = [word for lock in locks for word in ("--requirement", lock)]
    words += [word for name in ACCEPTED for word in ("--ignore-vuln", name)]
    if url := os.environ.get("TUTELA_ADVISORIES_URL"):
        words += ["--osv-url", url]
    words += [
        "--vulnerability-service",
        "osv",
        "--format",
        "json",
        "--progress-spinner",
        "off",
        "--require-hashes",
        "--disable-pip",
    ]
    command = [sys.executable, "-m", "pip_audit", *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return Audited([], f"Timeout: no answer within {SECONDS} seconds")
    if not done.stdout.strip():
        return Audited([], done.stderr.strip() or f"pip-audit ended with {done.returncode} and said nothing")
    return Audited(json.loads(done.stdout)["dependencies"])


def report(packages: list[dict[str, Any]]) -> int:
    found = [(package, advisory) for package in packages for advisory in package.get("vulns", ())]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    for package, advisory in found:
        fixed = ", ".join(advisory["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {advisory['id']}, fixed in {fixed}. {advisory['description']}")
    if skipped:
        print(f"Not compared, since the service doesn't know them: {', '.join(sorted(skipped))}")
    print(f"{len(packages) - len(skipped)} locked packages compared with published advisories: {len(found)} found.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
