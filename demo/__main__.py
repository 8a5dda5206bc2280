"""make demo: serve a demo organization, scan it, serve the portal over the result."""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo import reloading

ROOT = Path(__file__).resolve().parent.parent
STOPPING_SECONDS = 10
DATABASE = ROOT / "var" / "demo.sqlite3"
SHOWS = (
    "The organization has what real ones have: sound, neglected and half-read accounts, roles that AWS makes, denials "
    "by service and resource control policies and a permissions boundary, a denied region, shared VPCs, a Macie "
    "administrator with members, and odd items among others. Its right verdicts are known: "
    "python -m demo.organization --truth FILE writes them."
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__, epilog=SHOWS)
    parser.add_argument("--once", action="store_true", help="don't serve the portal; exit with the scan's status")
    parser.add_argument("--reload", action="store_true", help="serve at once, and again after each change of the code")
    parser.add_argument("--port", type=int, default=8000, help="the portal's port")
    parser.add_argument("--seed", type=int, default=7, help="another seed, another company (default 7)")
    parser.add_argument("--accounts", type=int, default=14, help="how many accounts (default 14)")
    parser.add_argument("--regions", type=int, default=3, help="how many regions each has enabled (default 3)")
    parser.add_argument(
        "--landing-zone",
        dest="shape",
        action="store_const",
        const="landing-zone",
        default="company",
        help="an organization under AWS Control Tower: of up to 17 regions, all but the first four are denied",
    )
    options = parser.parse_args()
    for leftover in DATABASE.parent.glob(DATABASE.name + "*"):
        leftover.unlink()  # the demo organization is new each time, so yesterday's findings aren't its
    with organization(options) as environment:
        say(f"The demo organization runs on {environment['AWS_ENDPOINT_URL']}")
        manage(environment, "migrate", "--verbosity", "0")
        manage(environment, "createcachetable")
        manage(environment, "discover")
        run(environment, "-m", "demo.people")
        if options.reload:
            return develop(environment, options.port)
        status = manage(environment, "scan", check=False)
        if options.once or status not in {0, 3}:
            return status
        say(f"The portal: {portal(options.port)}/  (end with Ctrl-C)")
        return manage(environment, "serve", "--bind", f"127.0.0.1:{options.port}", check=False)


def develop(environment: dict[str, str], port: int) -> int:
    """The workers in the portal's process do the scan while it is served."""
    run(environment, "-m", "demo.first_scan")
    environment["SECRET_KEY"] = secrets.token_urlsafe(64)  # people stay signed in over a reload
    command = [sys.executable, "manage.py", "serve", "--bind", f"127.0.0.1:{port}"]
    say(f"The portal: {portal(port)}/  (it starts again after each change; end with Ctrl-C)")
    return reloading.serve(command, root=ROOT, environment=environment, say=say)


def portal(port: int) -> str:
    """Where people reach it: also in the links of mail."""
    return f"http://localhost:{port}"


@contextmanager
def organization(options: argparse.Namespace) -> Iterator[dict[str, str]]:
    """The organization's server in a process of its own, and the environment that points at it."""
    command = [sys.executable, "-m", "demo.organization", "--print-env", "--port", "0"]
    for name in ("seed", "accounts", "regions", "shape"):
        command += [f"--{name}", str(getattr(options, name))]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TUTELA_"))},
        "TUTELA_DEMO": "1",
        "DATABASE_URL": f"sqlite:///{DATABASE}",
        "BROKER_URL": "memory://",
        "TUTELA_URL": portal(options.port),
    }
    try:
        for line in server.stdout or ():
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                environment[name] = value.strip("'\"")
            if line.startswith("ready"):
                break
        else:
            sys.exit("The demo organization did not start; its message is above.")
        yield environment
    finally:
        server.terminate()
        try:
            server.wait(timeout=STOPPING_SECONDS)
        except subprocess.TimeoutExpired:  # a large organization; nothing of it is kept, so nothing is lost
            server.kill()
            server.wait()


def manage(environment: dict[str, str], *words: str, check: bool = True) -> int:
    return run(environment, "manage.py", *words, check=check)


def run(environment: dict[str, str], *words: str, check: bool = True) -> int:
    try:
        status = subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 0
    if check and status:
        sys.exit(status)
    return status


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
