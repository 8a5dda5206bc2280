"""The framework of the REST API: authentication, permissions, parsing, paging, idempotency, problems, schema.

Settings name classes of this package, and rest_framework.views loads them while it is imported itself. So no module
imported here may import views, viewsets or generics.
"""

from governance.rest.authentication import SessionAuthentication
from governance.rest.parsing import JSONParser
from governance.rest.permission import SIGNED_IN, DeclaredPermission, get_api_actor
from governance.rest.problems import handle_api_exception

__all__ = [
    "SIGNED_IN",
    "DeclaredPermission",
    "JSONParser",
    "SessionAuthentication",
    "get_api_actor",
    "handle_api_exception",
]
