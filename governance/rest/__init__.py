"""The ground that every part of the REST API stands on.

Settings name what is here, and rest_framework.views loads it while it is being imported itself: so nothing
in this file may import views, viewsets or generics.
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
