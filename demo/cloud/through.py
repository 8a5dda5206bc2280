"""A request that moto answers by itself."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

from moto.moto_server.werkzeug_app import create_backend_app

from demo.cloud.protocol import Request, Response

_building = threading.Lock()


@cache
def backend_app(service: str) -> Any:
    with _building:
        app = create_backend_app(service)  # type: ignore[arg-type]
        app.debug = False
        return app


def moto(request: Request) -> Response:
    """moto's own answer, as the account that the authority named."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(request.body)),
        "CONTENT_TYPE": request.headers.get("content-type", ""),
    }
    for name, value in request.headers.items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    environ["HTTP_X_MOTO_ACCOUNT_ID"] = request.account
    caught: dict[str, Any] = {}

    def start(status: str, headers: list[tuple[str, str]], _info: Any = None) -> Callable[[bytes], object]:
        caught["status"], caught["headers"] = int(status[:3]), headers
        return lambda _: None

    body = b"".join(backend_app(request.service)(environ, start))
    dropped = {"content-length", "server", "date", "connection", "transfer-encoding"}
    headers = {name: value for name, value in caught["headers"] if name.lower() not in dropped}
    return Response(caught["status"], headers, body)
