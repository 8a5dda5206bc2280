"""make bench: whole scans of make-believe organizations, and replays; figures printed and kept, nothing asserted."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import coverage, posture, replay
from bench.organization import serving

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
SHAPES = ((16, 2), (100, 4))
LATENCIES = (0.0, 0.04)
COLUMNS = (
    ("accounts", "accounts"), ("regions", "regions"), ("latency_ms", "ms added"), ("calls", "calls"),
    ("wall_s", "wall s"), ("calls_per_s", "calls/s"), ("cpu_s", "CPU s"), ("cpu_ms_per_call", "CPU ms/call"),
    ("cpu_s_per_account", "CPU s/account"), ("peak_mb", "peak MB"), ("clients", "clients"),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", metavar="ACCOUNTSxREGIONS", help="one shape, like 16x2")
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--parallel", type=int, default=4, help="accounts at once")
    parser.add_argument("--replay", action="store_true", help="the replay of stored evidence only")
    options = parser.parse_args()
    if options.replay:
        replay.run()
        return
    shapes = [tuple(map(int, options.only.split("x")))] if options.only else SHAPES
    rows: list[dict[str, Any]] = []
    for accounts, regions in shapes:
        with serving(accounts, regions) as organization:
            for latency in LATENCIES:
                organization.delay(latency)
                rows.append(one(organization.environment, accounts, regions, latency, options))
                show(rows[-1], header=len(rows) == 1)
    RESULTS.mkdir(exist_ok=True)
    name = RESULTS / f"scan-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "machine": platform.machine()}
    name.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")
    print(f"kept in {name.relative_to(ROOT)}")
    if not options.only:
        replay.run()
        coverage.run()
        posture.run()


def one(environment: dict[str, str], accounts: int, regions: int, latency: float, options: Any) -> dict[str, Any]:
    """A first scan and an unchanged second one, in a process of their own over a new database."""
    with tempfile.TemporaryDirectory() as folder:
        env = {
            **environment,
            "DATABASE_URL": f"sqlite:////{folder.strip('/')}/bench.sqlite3",
            "TUTELA_THREADS": str(options.threads),
            "TUTELA_PARALLEL_ACCOUNTS": str(options.parallel),
        }
        for words in (["manage.py", "migrate", "--verbosity", "0"], ["manage.py", "discover"]):
            subprocess.run([sys.executable, *words], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
        ran = subprocess.run(
            [sys.executable, "-m", "bench.scan"], cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True
        )
    figures = json.loads(ran.stdout.strip().splitlines()[-1])
    return {"accounts": accounts, "regions": regions, "latency_ms": round(latency * 1000), **figures}


def show(row: dict[str, Any], *, header: bool) -> None:
    if header:
        print("  ".join(f"{title:>13}" for _, title in COLUMNS))
    print("  ".join(f"{row[key]:>13}" for key, _ in COLUMNS))
    again = row["again"]
    print(
        f"    a bare botocore call costs {row['bare_call_ms']} CPU ms here: the scan costs "
        f"{row['bare_calls_per_call']} of them a call, the rescan {again['bare_calls_per_call']}"
    )
    print(
        f"    unchanged rescan: {again['wall_s']} s, {again['cpu_ms_per_call']} CPU ms/call; new rows: "
        f"{again['new_blobs']} evidence, {again['new_findings']} findings, {again['new_events']} history; "
        f"evidence kept: {row['evidence_bytes_per_account_region']} bytes an account-region",
        flush=True,
    )


if __name__ == "__main__":
    main()
