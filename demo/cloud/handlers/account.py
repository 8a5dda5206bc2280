"""Account Management: which regions an account has enabled."""

from __future__ import annotations

from typing import Any

from demo.cloud.handlers._pages import page
from demo.cloud.protocol import Request
from demo.cloud.regions import statuses


def list_regions(request: Request) -> dict[str, Any]:
    wanted = request.params.get("RegionOptStatusContains")
    held = [
        {"RegionName": name, "RegionOptStatus": status}
        for name, status in sorted(statuses(request.account).items())
        if not wanted or status in wanted
    ]
    return page(request, held, "Regions")


HANDLERS = {"account.ListRegions": list_regions}
