"""Health checks for load balancers and orchestrators: is the process alive, is it ready. Public, without secrets."""

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
    """The process answers. Nothing else is checked: a database that is away must not restart every process."""
    return JsonResponse({"status": "ok"})


@require_safe
@public_view
def readyz(_request: HttpRequest) -> HttpResponse:
    parts = check_readiness()
    ready = all(result == "ok" for result in parts.values())
    # A clock that stands still is reported, but the portal stays ready: people can still be served.
    more = {"clock": describe_clock_silence(timezone.now()) or "ok"} if ready else {}
    return JsonResponse({"status": "ok" if ready else "not ready", **parts, **more}, status=200 if ready else 503)


def check_readiness() -> dict[str, str]:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        # Without the driver's message: it names hosts and users, and this page is public.
        return {"database": "unreachable", "migrations": "not known"}
    return {"database": "ok", "migrations": "pending: run manage.py migrate" if pending else "ok"}
