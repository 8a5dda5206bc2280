"""The WSGI entry point, for servers such as gunicorn."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
application = get_wsgi_application()

from governance.serving_checks import require_secure_settings  # noqa: E402  (settings must be there first)

require_secure_settings()
