"""Starts the demo's first scan and leaves the work to the workers in the portal's process."""

from __future__ import annotations

import os

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    django.setup()
    from accounts.models import Organization
    from governance.core.policy import SYSTEM
    from scans.pipeline.start import start_scan

    scan = start_scan(actor=SYSTEM, organization=Organization.objects.get())
    print(f"{scan} is queued; the portal reads its accounts while it serves.", flush=True)


if __name__ == "__main__":
    main()
