"""The image holds the program and nothing else, whatever lies about in the folder that it is built from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docker.utils.build import exclude_paths

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("governance", "accounts", "scans", "exceptions", "templates", "static")
PLANTED = (
    ".env", ".env.prod", ".envrc", "portal.env", "prod.env", "env", "secrets/secret_key", "secret_key", "key.pem", "tls.key",
    "id_rsa", "id_ed25519", "credentials", ".aws/credentials", ".git/config", ".gitignore", ".netrc", ".pgpass",
    "var/tutela.sqlite3", "var/tutela.sqlite3-wal", "var/tutela.audit-key", "db.sqlite3", "dump.sql", "dump", "backup.tar.gz",
    "deploy/.env", "deploy/terraform/terraform.tfstate", "demo/company/plan.py", "tests/conftest.py", "bench/scan.py",
    "docs/api.md", "docker-compose.override.yml", "requirements-dev.txt", ".venv/bin/python", "local.py",
    "governance/.env", "governance/.env.py/x", "governance/settings.env", "governance/settings.json", "governance/key.pem",
    "governance/secret_key", "governance/core/dump", "governance/core/id_rsa", "governance/__pycache__/settings.cpython-311.pyc",
    "accounts/aws/credentials", "accounts/aws/credentials.json", "scans/evidence.sqlite3", "scans/export.jsonl",
    "exceptions/backup", "exceptions/attachments/scan.pdf", "templates/.env", "templates/mail.pem", "templates/Password",
    "static/.htpasswd", "static/site.key", "static/TOKEN", "static/vendor/.npmrc",
)  # fmt: skip


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with things in it that are nobody else's business."""
    folder = tmp_path_factory.mktemp("image") / "project"
    shutil.copytree(
        ROOT, folder, ignore=shutil.ignore_patterns(".*cache", ".git", ".venv", "var", "build", "node_modules")
    )
    for name in PLANTED:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text("hunter2", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def image(copy: Path) -> set[str]:
    """The files that COPY . . finds."""
    lines = (copy / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    # It adds these two by itself, for the builder: they are sent, and the image's own list says whether they are copied.
    found = exclude_paths(str(copy), patterns) - {"Dockerfile", ".dockerignore"}
    return {name for name in found if (copy / name).is_file()}


def test_unnamed_files_stay_out_of_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "*"


def test_planted_files_stay_out_of_the_image(image: set[str]) -> None:
    assert sorted(image & set(PLANTED)) == []


def test_unnamed_files_stay_out_of_the_image(image: set[str]) -> None:
    assert {name.partition("/")[0] for name in image} == {
        *SHIPPED, "manage.py", "LICENSE", "requirements.txt", "requirements-saml.txt",
    }  # fmt: skip


def test_program_files_get_into_the_image(image: set[str]) -> None:
    ours = {
        str(path.relative_to(ROOT)) for folder in SHIPPED for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix in {".py", ".html", ".css", ".js", ".svg", ".txt"}
    }  # fmt: skip
    assert sorted(ours - image) == []
    assert {"manage.py", "requirements.txt", "static/vendor/htmx/LICENSE"} <= image


STARTS = """
import django; django.setup()
from pathlib import Path
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.template.loader import get_template
from django.urls import get_resolver
call_command("check")
call_command("makemigrations", check=True, dry_run=True, verbosity=0)
call_command("migrate", verbosity=0)
call_command("scan_role", "policy")
get_resolver().url_patterns
from governance.celery import app
app.loader.import_default_modules()
from scans import registry
print("controls", len(registry.controls()), "tasks", len(app.tasks))
for path in Path("templates").rglob("*.html"):
    get_template(str(path.relative_to("templates")))
for path in Path("static").rglob("*.css"):
    assert finders.find(str(path.relative_to("static")))
import governance.wsgi
"""


@pytest.mark.slow
def test_program_starts_from_image_files(copy: Path, image: set[str], tmp_path: Path) -> None:
    for name in image:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(copy / name, tmp_path / name)
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("DJANGO", "DATABASE", "TUTELA", "PYTHON"))
    }
    environment = {
        **kept,
        "DJANGO_SETTINGS_MODULE": "governance.settings",
        "TUTELA_AUDIT_KEY": "k" * 40,
        "SECRET_KEY": "s" * 60,
        "TUTELA_FACTOR_KEYS": "b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHMtMTI=",
    }
    done = subprocess.run(
        [sys.executable, "-c", STARTS], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert re.search(r"controls [1-9]\d+ tasks [1-9]", done.stdout)
