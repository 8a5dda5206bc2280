"""docker-compose.yml starts processes for everything that is to be done, and shows nobody a secret."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from celery.bin.base import CLIContext
from celery.bin.beat import beat
from celery.bin.worker import worker

from governance import celery

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|KEYS?$|_KEY_|EXTERNAL_ID|FALLBACKS")


def words(service: dict[str, Any]) -> list[str]:
    command = service.get("command", [])
    return command if isinstance(command, list) else command.split()


def celery_words(kind: str) -> dict[str, list[str]]:
    """What follows `celery -A governance.celery worker` in each service that says so."""
    start = ["celery", "-A", "governance.celery", kind]
    return {name: words(of)[4:] for name, of in SERVICES.items() if words(of)[:4] == start}


def options_of(name: str) -> dict[str, Any]:
    """Its options as celery itself understands them; it refuses what it doesn't know."""
    return understood(worker, celery_words("worker")[name])


def understood(command: Any, given: list[str]) -> dict[str, Any]:
    context = CLIContext(app=celery.app, no_color=True, workdir=None)
    return command.make_context(command.name, list(given), obj=context).params


def test_every_queue_has_a_worker_and_clock_its_own() -> None:
    queues = {name: set(options_of(name)["queues"]) for name in celery_words("worker")}
    assert queues == {"worker": {"targets"}, "clock": {"clock"}}
    assert set.union(*queues.values()) == set(celery.app.amqp.queues)


def test_clock_worker_has_more_slots_than_tasks() -> None:
    """Each runs once at a time, so however many are slow at once, the next one begins at once."""
    options = options_of("clock")
    assert options["concurrency"] >= len(celery.BEAT_SCHEDULE) + 1
    assert 0 < options["soft_time_limit"] < options["time_limit"] <= 600


def test_beat_runs_once_with_parsed_options() -> None:
    [of_beat] = celery_words("beat").values()
    assert understood(beat, of_beat)["schedule"] == "/tmp/celerybeat"


def test_other_service_commands_belong_to_the_project() -> None:
    others = {name: words(of) for name, of in SERVICES.items() if "build" in of and words(of)[:1] != ["celery"]}
    assert set(others) == {"web", "migrate"}
    assert others["web"] == []  # the image's own
    for said in re.findall(r"manage\.py (\w+)", " ".join(others["migrate"])):
        done = subprocess.run([sys.executable, "manage.py", said, "--help"], cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert '"gunicorn", "governance.wsgi:application"' in image


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_in_the_environment_or_on_a_command_line(name: str) -> None:
    service = SERVICES[name]
    environment = service.get("environment", {})
    for variable, value in environment.items():
        if SECRET.search(variable.removesuffix("_FILE")):
            assert variable.endswith("_FILE"), f"{name}: {variable}"
            assert str(value).startswith("/run/secrets/")
        assert not re.search(r"://[^/@]*:[^/@]+@", str(value)), f"{name}: {variable} has a password in its URL"
        assert "${" not in str(value), f"{name}: {variable} is filled in from .env"
    spoken = " ".join([*words(service), *map(str, service.get("healthcheck", {}).get("test", []))])
    assert not re.search(r"(?<!\$)\$\{?\w", spoken), f"{name}: something is filled in from .env"
    assert "--requirepass" not in spoken
    assert not re.search(r"redis-cli\b.*\s(-a|--pass)\b", spoken)


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_gets_only_the_secrets_it_reads(name: str) -> None:
    service = SERVICES[name]
    read = set(re.findall(r"/run/secrets/(\w+)", str(service)))
    assert read == set(service.get("secrets", []))
    assert read <= set(COMPOSE["secrets"])


def test_secrets_are_files_that_neither_git_nor_the_image_takes() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/secrets/", "/portal.env", ".env*"} <= set(ignored)
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./secrets/{name}"}


def test_only_workers_get_the_hubs_key() -> None:
    holders = {name for name, of in SERVICES.items() if "aws_secret_access_key" in of.get("secrets", [])}
    assert holders == {"worker", "clock"}


REDIS = SERVICES["redis"]


def soon(is_so: Callable[[], bool]) -> bool:
    for _ in range(100):
        if is_so():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.redis
@pytest.mark.skipif(shutil.which("redis-server") is None, reason="no redis-server here")
def test_redis_reads_password_from_file_without_exposing_it(tmp_path: Path) -> None:
    """Its command as it stands, with other places and a port for now."""
    (tmp_path / "redis_password").write_text("pass word#\n", encoding="utf-8")
    script = (
        words(REDIS)[2]
        .replace("$$", "$")
        .replace("/run/secrets", str(tmp_path))
        .replace("/tmp/redis.conf", f"{tmp_path}/redis.conf")
    )
    assert str(tmp_path) in script
    socket = tmp_path / "redis.sock"
    script += f" --port 0 --unixsocket {socket} --dir {tmp_path}"
    server = subprocess.Popen(["sh", "-c", script], stdout=subprocess.DEVNULL)
    try:
        check = REDIS["healthcheck"]["test"][1].replace("$$", "$").replace("/run/secrets", str(tmp_path))
        check = check.replace("redis-cli ", f"redis-cli -s {socket} ")
        assert soon(lambda: subprocess.run(["sh", "-c", check], capture_output=True, check=False).returncode == 0)
        assert "pass word" not in Path(f"/proc/{server.pid}/cmdline").read_text(encoding="utf-8")
        assert "redis-server" in Path(f"/proc/{server.pid}/cmdline").read_text(encoding="utf-8")
        bare = subprocess.run(["redis-cli", "-s", str(socket), "ping"], capture_output=True, text=True, check=False)
        assert "NOAUTH" in bare.stdout + bare.stderr
        assert oct((tmp_path / "redis.conf").stat().st_mode & 0o777) == "0o600"
    finally:
        server.terminate()
        server.wait(timeout=30)
