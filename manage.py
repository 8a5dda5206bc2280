#!/usr/bin/env python
"""Django's command line for Tutela."""

import os
import sys


def run(argv: list[str]) -> None:
    import django
    from django.core.management import call_command, execute_from_command_line

    # Django answers these with its own version before it looks for a command.
    if argv[1:] in (["version"], ["--version"]):
        django.setup()
        call_command("version")
    else:
        execute_from_command_line(argv)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    from governance.core.env import ConfigurationError

    try:
        run(sys.argv)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
