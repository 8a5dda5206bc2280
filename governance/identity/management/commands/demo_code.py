"""manage.py demo_code USER: prints a code of a demo person's authenticator app. Works in the demo only."""

from __future__ import annotations

import time
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone

from governance.core.cli import DONE, CouldNotError, TutelaCommand, UsageError
from governance.identity.factors import second_factors
from governance.identity.factors.totp_secrets import decrypt_secret
from governance.identity.models import FactorStep


class Command(TutelaCommand):
    help = "Print the current code of a demo person's authenticator app."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="a demo person, such as ada")

    def work(self, options: dict[str, Any]) -> int:
        if not settings.DEMO:
            raise CouldNotError(
                "This works in the demo only (TUTELA_DEMO=1). Real second factors are never shown to other people."
            )
        kept = Authenticator.objects.filter(
            user__username=options["username"], type=second_factors.FactorKind.TOTP
        ).first()
        if kept is None:
            raise UsageError(f"{options['username']} has no authenticator app in this database. Check the user name.")
        now = timezone.now()
        if FactorStep.objects.filter(user=kept.user, step__gte=second_factors.compute_time_step(now)).exists():
            self.stderr.write("The current code was already used; waiting for the next one.")
            time.sleep(30 - now.timestamp() % 30 + 0.1)
            now = timezone.now()
        self.stdout.write(second_factors.compute_code(decrypt_secret(kept.data["secret"]), now))
        self.stderr.write(f"Valid for {30 - int(now.timestamp()) % 30} s and for one use.")
        return DONE
