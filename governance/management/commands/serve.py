"""manage.py serve: runs the portal in one process, with embedded workers if there is no Redis."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from gunicorn.app.base import BaseApplication

from governance import serving_checks
from governance.core.cli import DONE, CouldNotError, TutelaCommand
from governance.core.env import ConfigurationError


class Portal(BaseApplication):  # type: ignore[misc]
    """gunicorn with one process, so that its threads and the embedded workers share the memory broker."""

    def __init__(self, bind: str, threads: int) -> None:
        self.bind, self.threads = bind, threads
        super().__init__()

    def load_config(self) -> None:
        self.cfg.set("bind", self.bind)
        self.cfg.set("workers", 1)
        self.cfg.set("threads", self.threads)
        self.cfg.set("worker_class", "gthread")
        self.cfg.set("post_worker_init", start_embedded)
        self.cfg.set("loglevel", "warning")

    def load(self) -> Any:
        from governance.wsgi import application

        return application


def start_embedded(_worker: Any) -> None:
    if settings.EMBEDDED:
        from scans.embedded import EmbeddedWorker

        EmbeddedWorker().start()


class Command(TutelaCommand):
    help = "Serve the portal. With BROKER_URL=memory://, the workers run in the same process."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", help="address and port; default: %(default)s")
        parser.add_argument("--threads", type=int, default=8, help="threads for requests; default: %(default)s")

    def work(self, options: dict[str, Any]) -> int:
        try:
            # Checked here as well as in governance.wsgi: there, gunicorn would start a failing worker again and again.
            serving_checks.require_secure_settings()
        except ConfigurationError as error:
            raise CouldNotError(str(error)) from error
        self.stdout.write(f"Serving on http://{options['bind']}/")
        Portal(options["bind"], options["threads"]).run()
        return DONE
