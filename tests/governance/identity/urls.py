"""The portal's URLs, and acts that need step-up, as a service of another app would ask for it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils import timezone

from governance.identity.factors import step_up
from governance.identity.web import get_request_actor, own_resource


@own_resource
def decide(request: HttpRequest) -> HttpResponse:
    """Echoes what arrived, once the second factor is fresh."""
    step_up.require_fresh_factor(get_request_actor(request), timezone.now())
    return HttpResponse(repr([(name, request.POST.getlist(name)) for name in ("reason", "finding")]))


urlpatterns = [path("decide/", decide, name="decide"), path("", include("governance.urls"))]
