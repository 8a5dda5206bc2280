"""For load balancers and orchestrators: is the process alive, can it serve? Open, and saying nothing secret."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from governance.core.task_turns import silence
from governance.identity.web import anybody


@require_safe
@anybody
def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@require_safe
@anybody
def readyz(_request: HttpRequest) -> HttpResponse:
    parts = readiness()
    ready = all(said == "ok" for said in parts.values())
    more = {"clock": silence(timezone.now()) or "ok"} if ready else {}  # people can be served while it stands still
    return JsonResponse({"status": "ok" if ready else "not ready", **parts, **more}, status=200 if ready else 503)


def readiness() -> dict[str, str]:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return {"database": "unreachable", "migrations": "not known"}
    return {"database": "ok", "migrations": "pending: run manage.py migrate" if pending else "ok"}
