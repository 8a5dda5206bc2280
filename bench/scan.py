"""One measured scan and an unchanged second one; prints a line of JSON. Run by bench.__main__."""

from __future__ import annotations

import json
import os
import resource
import time
from typing import Any

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    django.setup()
    from django.db.models import Count, Sum
    from django.db.models.functions import Length

    from accounts.aws.session import clients_built
    from scans.models import Blob, Finding, FindingEvent, Target

    def rows() -> dict[str, int]:
        return {
            "new_blobs": Blob.objects.count(),
            "new_bytes": Blob.objects.aggregate(n=Sum(Length("data")))["n"] or 0,
            "new_findings": Finding.objects.count(),
            "new_events": FindingEvent.objects.count(),
        }

    first = measured()
    before = rows()
    second = measured()
    after = rows()
    kept = Blob.objects.aggregate(n=Count("digest"), bytes=Sum(Length("data")))
    places = sum(
        sum(1 for status in (regions or {}).values() if status.startswith("ENABLED"))
        for regions in Target.objects.filter(state="done").values_list("account__regions", flat=True)
    )
    bare = bare_call_ms()
    limited = len([r for r in os.environ.get("TUTELA_REGIONS", "").split(",") if r])
    accounts = Target.objects.filter(state="done").values("account").distinct().count()
    print(
        json.dumps(
            {
                **first,
                "bare_call_ms": bare,
                "bare_calls_per_call": round(first["cpu_ms_per_call"] / bare, 2),
                "clients": len(clients_built()),
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
                "evidence_bytes_per_account_region": round((kept["bytes"] or 0) / max(1, accounts * limited or places)),
                "again": {
                    **second,
                    "bare_calls_per_call": round(second["cpu_ms_per_call"] / bare, 2),
                    **{key: after[key] - before[key] for key in after},
                },
            }
        )
    )


def measured() -> dict[str, Any]:
    from accounts.models import Organization
    from governance.core.policy import SYSTEM
    from scans.pipeline import foreground
    from scans.pipeline.start import start_scan

    cpu, wall = time.process_time(), time.perf_counter()
    scan = start_scan(actor=SYSTEM, organization=Organization.objects.get())
    foreground.run(scan)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    scan.refresh_from_db()
    calls, accounts = scan.totals["calls"], scan.totals["accounts"]
    return {
        "calls": calls,
        "wall_s": round(wall, 2),
        "calls_per_s": round(calls / wall),
        "cpu_s": round(cpu, 2),
        "cpu_ms_per_call": round(cpu * 1000 / max(1, calls), 2),
        "cpu_s_per_account": round(cpu / accounts, 3),
        "state": scan.state,
    }


def bare_call_ms(times: int = 300) -> float:
    """CPU of one small call by a plain botocore client: what a millisecond is worth on this machine."""
    import botocore.session

    client = botocore.session.Session().create_client("ssm", region_name=os.environ.get("AWS_REGION", "us-east-1"))
    client.describe_instance_information()
    before = time.process_time()
    for _ in range(times):
        client.describe_instance_information()
    return round((time.process_time() - before) * 1000 / times, 2)


if __name__ == "__main__":
    main()
