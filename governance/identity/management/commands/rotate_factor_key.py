"""manage.py rotate_factor_key: encrypts the secrets of all second factors with the newest key."""

from __future__ import annotations

from typing import Any

from governance.core.cli import DONE, TutelaCommand
from governance.core.policy import SYSTEM
from governance.identity.people.administration import rotate_factor_keys


class Command(TutelaCommand):
    help = (
        "Encrypt the secrets of second factors with the first of TUTELA_FACTOR_KEYS. "
        "Put a new key first, keep the old one after it, run this command, then remove the old key."
    )

    def work(self, options: dict[str, Any]) -> int:
        self.stdout.write(f"{rotate_factor_keys(actor=SYSTEM)} second factors are encrypted with the newest key.")
        return DONE
