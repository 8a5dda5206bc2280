"""Serve a make-believe AWS Organization until interrupted: python -m demo.organization --help"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import threading
from pathlib import Path
from typing import NoReturn

from demo.company.constants import REGIONS
from demo.company.plan import MAX_ACCOUNTS, SHAPES, SizeError


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; --help lists the options\n")


def main(words: list[str] | None = None) -> int:
    options = parse(words)
    from demo import company  # loads moto, which takes seconds: bad arguments are told before

    try:
        running = company.serve(
            options.seed, options.accounts, options.regions, port=options.port, host=options.host, shape=options.shape
        )
    except SizeError as error:
        sys.stderr.write(f"python -m demo.organization: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"Can't listen on {options.host}:{options.port} ({error.strerror}): choose another --port.\n")
        return 1
    with running:
        if options.truth:
            running.write_truth(options.truth)
        if options.print_env:
            for name, value in running.env.items():
                print(f"export {name}={shlex.quote(value)}")
        # Before it says that it is ready: whoever reads that may tell it to end at once.
        stop = on_interrupt()
        print(f"ready {running.url}", flush=True)
        stop.wait()
    return 0


def parse(words: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m demo.organization", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="another seed, another company (default 7)")
    parser.add_argument("--accounts", type=int, default=14, help="how many accounts (default 14)")
    parser.add_argument("--regions", type=int, default=3, help="how many regions each has enabled (default 3)")
    parser.add_argument("--port", type=int, default=5001, help="0: any free one (default 5001)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--shape",
        choices=SHAPES,
        default="company",
        help="bench: every account alike; landing-zone: under AWS Control Tower, with denied regions",
    )
    parser.add_argument(
        "--truth",
        metavar="FILE",
        help="write what a right scan must find, as JSON lines; right for a portal in the whole environment that "
        "--print-env prints: without its value role, its FIPS regions or its regions other verdicts are right",
    )
    parser.add_argument("--print-env", action="store_true", help="print the environment that points a scan at it")
    options = parser.parse_args(words)
    for name, low, high in (("accounts", 1, MAX_ACCOUNTS), ("regions", 1, len(REGIONS)), ("port", 0, 65535)):
        if not low <= getattr(options, name) <= high:
            parser.error(f"--{name} must be from {low} to {high}, not {getattr(options, name)}")
    if options.truth and not _writable(Path(options.truth)):
        parser.error(f"--truth: can't write {options.truth}")
    return options


def _writable(path: Path) -> bool:
    folder = path.parent
    return not path.is_dir() and os.access(path if path.exists() else folder, os.W_OK) and folder.is_dir()


def on_interrupt() -> threading.Event:
    """Set when this process is told to end."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


if __name__ == "__main__":
    sys.exit(main())
