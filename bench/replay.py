"""Replays stored evidence of a seeded company with every control, on one core; figures printed and kept.

python -m bench.replay              serves a company, scans it twice, and measures the replay
python -m bench.replay --measure    measures over the database of DATABASE_URL
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench.organization import serving

ROOT = Path(__file__).resolve().parent.parent
RESULT = Path(__file__).resolve().parent / "results" / "replay.json"
ACCOUNTS, REGIONS = 100, 4
ROUNDS = 3
WAYS = (
    ("judged", "load, unpack, parse and judge"),
    ("compared", "the same, compared with the findings as they stand"),
    ("written", "the same as judged, and written as JSON lines"),
)


def run(accounts: int = ACCOUNTS, regions: int = REGIONS) -> None:
    with serving(accounts, regions, shape="company") as organization, tempfile.TemporaryDirectory() as folder:
        env = {
            **organization.environment,
            "DATABASE_URL": f"sqlite:////{folder.strip('/')}/bench.sqlite3",
            "TUTELA_PARALLEL_ACCOUNTS": "4",
        }
        for words in (["manage.py", "migrate", "--verbosity", "0"], ["manage.py", "discover"]):
            subprocess.run([sys.executable, *words], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
        scan = last_line(["-m", "bench.scan"], env)
        figures = last_line(["-m", "bench.replay", "--measure"], env)
    row = {
        "accounts": accounts,
        "regions": regions,
        **figures,
        "evidence_bytes_per_account_region": scan["evidence_bytes_per_account_region"],
        "new_evidence_of_an_unchanged_rescan": {
            "blobs": scan["again"]["new_blobs"],
            "bytes": scan["again"]["new_bytes"],
        },
    }
    show(row)
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "machine": platform.machine()}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"machine": machine, "replay": row}, indent=1) + "\n")
    print(f"kept in {RESULT.relative_to(ROOT)}")


def last_line(words: list[str], env: dict[str, str]) -> dict[str, Any]:
    ran = subprocess.run([sys.executable, *words], cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(ran.stdout.strip().splitlines()[-1])
    return found


def show(row: dict[str, Any]) -> None:
    print(f"replay of {row['accounts']} accounts x {row['regions']} regions x {row['controls']} controls, one core:")
    for name, what in WAYS:
        way = row[name]
        print(f"  {way['outcomes_per_s']:>8} outcomes/s  {way['outcomes']:>8} in {way['cpu_s']} s of CPU  ({what})")
    new = row["new_evidence_of_an_unchanged_rescan"]
    print(
        f"  evidence kept: {row['evidence_bytes_per_account_region']} bytes an account-region; "
        f"an unchanged rescan keeps {new['blobs']} new blobs, {new['bytes']} bytes"
    )


def measure() -> dict[str, Any]:
    """The best of a few rounds each way, in CPU time of this process, which has one core and one thread."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    django.setup()
    from accounts.models import Organization
    from governance.core.policy import SYSTEM
    from scans import registry
    from scans.management.commands.replay import pause_garbage_collection
    from scans.queries import exports
    from scans.timemachine import outcomes, replay

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    accounts = replay.choose_replay_accounts(SYSTEM, Organization.objects.get())

    def judged() -> int:
        return sum(len(found.items) for found in replay.rejudge_accounts(accounts, replay.ReplayTally()))

    def compared() -> int:
        tally, n = replay.ReplayTally(), 0
        for found in replay.rejudge_accounts(accounts, tally):
            replay.preview_changes(found, tally)
            n += len(found.items)
        return n

    def written() -> int:
        def rows() -> Iterable[dict[str, Any]]:
            for found in replay.rejudge_accounts(accounts, replay.ReplayTally()):
                yield from outcomes.serialize_outcomes(found.items)

        return sum(1 for _ in exports.format_rows(rows(), format="jsonl", columns=exports.OUTCOME_COLUMNS))

    with pause_garbage_collection():
        ways = {way.__name__: best(way) for way in (judged, compared, written)}
    return {"controls": len(registry.controls()), **ways}


def best(way: Callable[[], int]) -> dict[str, Any]:
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        count = way()
        times.append(time.process_time() - began)
    return {"outcomes": count, "cpu_s": round(min(times), 2), "outcomes_per_s": round(count / min(times))}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.replay", description=__doc__)
    parser.add_argument("--measure", action="store_true", help="over the database of DATABASE_URL")
    if parser.parse_args().measure:
        print(json.dumps(measure()))
    else:
        run()


if __name__ == "__main__":
    main()
