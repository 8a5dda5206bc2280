"""Every URL of /api/v1/. The views live in their apps; this module adds the OpenAPI document, its page and the 404."""

from __future__ import annotations

from typing import Any, ClassVar

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import Http404
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api import UnitApi
from accounts.owners_api import OwnersApi
from governance.rest import SIGNED_IN, DeclaredPermission
from governance.rest.permission import RequiredPermission

PERMISSIONS: list[type[BasePermission]] = [DeclaredPermission]
AUTHENTICATION = APIView.authentication_classes


class SchemaView(SpectacularJSONAPIView):
    """The OpenAPI document."""

    permissions: ClassVar[dict[str, RequiredPermission]] = {"get": SIGNED_IN}
    permission_classes = PERMISSIONS
    authentication_classes = AUTHENTICATION


# Swagger UI writes inline styles. Only this page allows them; scripts stay as strict as on every other page.
@method_decorator(csp_update({"style-src": [SELF, UNSAFE_INLINE]}), name="dispatch")
class DocsView(SpectacularSwaggerSplitView):
    """The OpenAPI document as a page on which requests can be tried."""

    permissions: ClassVar[dict[str, RequiredPermission]] = {"get": SIGNED_IN}
    permission_classes = PERMISSIONS
    authentication_classes = AUTHENTICATION
    url_name = "api-schema"


class UnknownEndpointView(APIView):
    """Every other URL under /api/v1/: a problem document, never a page."""

    # It has no methods, so there is no permission to declare. Authentication comes first all the same: signed-out
    # clients get a 401, so the API doesn't tell them which URLs exist.
    permissions: ClassVar[dict[str, RequiredPermission]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise Http404


urlpatterns: list[URLPattern | URLResolver] = [
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path("docs/", DocsView.as_view(), name="api-docs"),
    path("ous/", UnitApi.as_view({"get": "list"}), name="api-ous"),
    path(
        "accounts/<slug:account>/owners/",
        OwnersApi.as_view({"get": "retrieve", "put": "change"}),
        name="api-account-owners",
    ),
    path("", include("scans.api.urls")),
    path("", include("exceptions.api_urls")),
    re_path(r"", UnknownEndpointView.as_view(), name="api-nothing"),
]
