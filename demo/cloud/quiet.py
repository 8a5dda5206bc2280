"""moto's switches, which it reads when it is imported: no bundled machine images, no CORS, no chatter."""

from __future__ import annotations

import logging
import os

os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
os.environ.setdefault("MOTO_DISABLE_GLOBAL_CORS", "true")
for name in ("werkzeug", "moto"):
    logging.getLogger(name).setLevel(logging.ERROR)
