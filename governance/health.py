"""For load balancers and orchestrators: is the process alive, can it serve? Open, and saying nothing secret."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from governance.core.task_turns import describe_clock_silence
from governance.identity.web import public_view


@require_safe
@public_view
def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@require_safe
@public_view
def readyz(_request: HttpRequest) -> HttpResponse:
    parts = check_readiness()
    ready = all(said == "ok" for said in parts.values())
    more = (
        {"clock": describe_clock_silence(timezone.now()) or "ok"} if ready else {}
    )  # people can be served while it stands still
    return JsonResponse({"status": "ok" if ready else "not ready", **parts, **more}, status=200 if ready else 503)


def check_readiness() -> dict[str, str]:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return {"database": "unreachable", "migrations": "not known"}
    return {"database": "ok", "migrations": "pending: run manage.py migrate" if pending else "ok"}
