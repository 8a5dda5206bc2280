"""Records what AWS answers to every call of a scan of one account, redacted, for `manage.py doctor --record`."""

from __future__ import annotations

import ast
import json
import os
import re
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

import scans
from accounts.aws import session
from accounts.aws.assume import AssumedRole
from accounts.aws.calls import SESSION_PREFIX, Call, CallError
from accounts.aws.endpoints import list_published_regions, load_partitions
from accounts.aws.scan_role import VALUE_READS
from accounts.models import Account
from governance import __version__
from scans import registry
from scans.domain.collector import SCAN_ROLE
from scans.domain.redaction import DELIMITERS, Redactor
from scans.pipeline import account_reader
from scans.pipeline.role_sessions import RoleSessions
from scans.pipeline.session_groups import SessionGroup, group_by_session
from scans.pipeline.start import build_scan_context
from scans.pipeline.target_plan import assume_with_actions

FORMAT = 1
# Folders of the portal whose words AWS's answers are compared with.
SOURCES = ("collectors", "controls/lib/iam_policies")
CAMEL_WORD = re.compile(r"^[A-Z][a-z]+")
OTHER_WORDS = [
    "amazonaws",
    "api",
    "aws",
    "cn",
    "com",
    "default",
    "dualstack",
    "false",
    "fips",
    "http",
    "https",
    "latest",
    "none",
    "root",
    "tlsv1",
    "true",
]
# Of IAM's credential report: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
REPORT_COLUMNS = tuple(
    f"access_key_{slot}_{column}" for slot in (1, 2) for column in ("active", "last_rotated", "last_used_date")
)
OTHER_CODE = "Other"
# Examples in code have ids, too. A number of three digits may be a part of one.
LIKE_AN_ID = re.compile(r"\d{3}")
POLICY_VERSIONS = frozenset({"2012-10-17", "2008-10-17", "aes256"})


class CallRecorder:
    """Takes the calls of a scan (AwsReader's observe) and keeps them redacted. Shared by its threads."""

    def __init__(self) -> None:
        self._redactor = Redactor(load_public_words())
        self._lock = threading.Lock()
        self._calls: dict[str, dict[str, Any]] = {}

    def observe(self, call: Call, place: str, params: dict[str, Any], given: dict[str, Any] | CallError) -> None:
        model = load_service_model(call.service).operation_model(call.operation)
        row: dict[str, Any] = {"service": call.service, "operation": call.operation, "region": place}
        row["params"] = self._redactor.redact(params, model.input_shape)
        if isinstance(given, CallError):
            row["error"] = {
                "kind": str(given.gap.kind),
                "code": given.code if given.code.lower() in load_public_words() else OTHER_CODE,
                "status": given.status,
                **({"bucket_region": self._redactor.redact_text(given.bucket_region)} if given.bucket_region else {}),
            }
        else:
            row["answer"] = self._redactor.redact(given, model.output_shape)
        key = json.dumps([row[name] for name in ("service", "operation", "region", "params")], sort_keys=True)
        with self._lock:
            # A call that is repeated until it succeeds, as IAM's credential report is, is kept with its answer.
            if "error" in self._calls.get(key, {"error": {}}):
                self._calls[key] = row

    def build_document(self, account: Account, regions: list[str]) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "portal": __version__,
            "partition": account.organization.partition,
            "regions": regions,
            "account": self._redactor.redact_text(account.account_id),
            "organization": self._redactor.redact_text(account.organization.org_id),
            "management_account": self._redactor.redact_text(account.organization.management_account_id),
            "calls": [self._calls[key] for key in sorted(self._calls)],
        }


def record_account(account: Account) -> dict[str, Any]:
    """Read the account as a scan of all controls does, and keep nothing but the recording. Raises AccountUnreadableError.

    The value role is never used."""

    def assume(group: SessionGroup) -> AssumedRole:
        return assume_with_actions(account, settings.SCAN_ROLE, f"{SESSION_PREFIX}doctor-{account.account_id}", group)

    names = {name for name, item in registry.collectors().items() if item.collector.role == SCAN_ROLE}
    recorder = CallRecorder()
    collected = account_reader.collect(
        account_reader.CollectionPlan(
            account=account.account_id,
            partition=account.organization.partition,
            collectors=names,
            regions_wanted=tuple(settings.SCAN_REGIONS),
            context=build_scan_context(account.organization),
            sessions=RoleSessions(group_by_session(names), assume),
            observe=recorder.observe,
        )
    )
    return recorder.build_document(account, collected.regions)


class RecordingFile:
    """A new file that only its owner may read. It is removed again if nothing is written into it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # O_EXCL: an existing file is never overwritten, not even one that appears in this moment.
        self._handle = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
        self._written = False

    def write(self, document: dict[str, Any]) -> None:
        json.dump(document, self._handle, indent=1, sort_keys=True)
        self._handle.write("\n")
        self._written = True

    def close(self) -> None:
        self._handle.close()
        if not self._written:
            with suppress(FileNotFoundError):
                self.path.unlink()


@cache
def load_service_model(service: str) -> Any:
    # Not the clients' models: those need endpoints, and the loader of a session is not safe in threads.
    with _models:
        return session.get_botocore_session().get_service_model(service)


_models = threading.Lock()


@cache
def load_public_words() -> frozenset[str]:
    """What may stay in a recording besides the enum values of AWS's models, in lower case.

    Names of AWS's services, regions, operations and errors, and the words that the portal's own code compares answers
    with. All of them are published, so they say nothing about an account.
    """
    found = {*OTHER_WORDS, *REPORT_COLUMNS, *load_partitions()}
    for partition in load_partitions():
        found.update(list_published_regions(partition))
    for service in {call.service for call in registry.calls()}:
        model = load_service_model(service)
        found.add(service)
        for name in model.operation_names:
            found |= {name, *CAMEL_WORD.findall(name)}
        found.update(str(shape.error_code) for shape in model.error_shapes)
        found.update(shape.name for shape in model.error_shapes)
    for action in (*VALUE_READS, *(call.action for call in registry.calls())):
        found.update(action.split(":"))
    for folder in SOURCES:
        for path in (Path(scans.__file__).parent / folder).rglob("*.py"):
            found |= list_words(path.read_text(encoding="utf-8"))
    # Types of instances are also asked for in filters, of which the model says nothing.
    types = load_service_model("ec2").shape_for("InstanceType").enum
    return (
        frozenset(word.lower() for word in found if word and not LIKE_AN_ID.search(word)) | POLICY_VERSIONS | {*types}
    )


def list_words(source: str) -> set[str]:
    """The strings of a source file that are words or names, whole and in parts."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not re.search(r"\s", node.value):
            found |= {node.value, *DELIMITERS.split(node.value)}
    return found
