"""A scan of three accounts in the foreground, in which something of the second one spins for ever.

    python -m tests.attack.spinning collector|judge|work

Prints the Scan and its Targets as JSON. That it ends at all is half of what its test wants to know.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

HOSTILE = "111122223334"


def spin(*_: Any, **__: Any) -> NoReturn:
    while True:
        pass


def main(what: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="governance.settings",
            DATABASE_URL=f"sqlite:///{Path(folder, 'portal.sqlite3')}",
            TUTELA_AUDIT_KEY="k" * 64,
        )
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        sys.stdout.write(json.dumps(scan(what)) + "\n")


def scan(what: str) -> dict[str, Any]:
    from django.conf import settings

    from governance.core.policy import SYSTEM
    from scans import registry
    from scans.pipeline import (
        account_reader,
        foreground,
        heartbeat,
        start,
        target_evaluation,
        target_worker,
        time_limits,
    )
    from tests.scans.orders import company

    settings.COLLECTOR_SECONDS, settings.TARGET_SECONDS = 1, 2
    time_limits.CALL_GRACE_SECONDS, time_limits.WALL_SECONDS, time_limits.POLL_SECONDS, heartbeat.HEARTBEAT_SECONDS = (
        0,
        1,
        0.1,
        0.2,
    )
    target_worker.prepare_scan_sessions = lambda target, collectors: None
    account_reader.read_region_statuses = lambda plan: ({"eu-west-1": "ENABLED"}, [])
    item = registry.collectors()["ec2_account"]
    stages = [[registry.LoadedCollector(item.collector, read_with(spin if what == "collector" else None))]]
    registry.group_by_stage = lambda names: stages
    if what == "judge":
        spin_for(registry.controls())
    if what == "work":
        judge = target_evaluation.evaluate_target
        target_evaluation.evaluate_target = lambda scan, account, *more, **words: (
            spin() if account.account_id == HOSTILE else judge(scan, account, *more, **words)
        )
    made = start.start_scan(actor=SYSTEM, organization=company(), controls=["SSM-EB-001"])
    foreground.run(made)
    targets = made.targets.order_by("account__account_id").values("state", "error", "gaps")
    return {"state": made.state, "targets": list(targets)}


def read_with(hostile: Any) -> Any:
    from scans.domain.evidence import Evidence

    def collect(aws: Any, seen: Any) -> Evidence:
        if hostile is not None and aws.account == HOSTILE:
            hostile()
        evidence = Evidence("ec2_account", aws.region)
        arn = f"arn:aws:ec2:{aws.region}:{aws.account}:ebs-encryption-by-default"
        evidence.add("ec2.ebs_default", arn, enabled=True)
        return evidence

    return collect


def spin_for(controls: dict[str, Any]) -> None:
    loaded = controls["SSM-EB-001"]

    def evaluate(resource: Any) -> Any:
        return spin() if resource.account == HOSTILE else loaded.evaluate(resource)

    controls["SSM-EB-001"] = replace(loaded, evaluate=evaluate)


if __name__ == "__main__":
    main(sys.argv[1])
