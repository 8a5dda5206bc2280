from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import transaction
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from governance.audit import export as audit_export
from governance.core import audit, verifier
from governance.core.models import AuditEvent
from governance.core.verifier import check_export, encode_canonical, is_signature_valid
from tests.support.examples import examples
from tests.support.trails import ADA, written

pytestmark = pytest.mark.django_db
Lines = list[bytes]


def exported(first: int = 1, last: int = 10) -> Lines:
    return list(audit_export.generate_export(audit_export.TrailSpan(first, last), made_by="ada"))


def troubles(lines: Lines, **options: object) -> list[tuple[str, int]]:
    given = {"keys": [settings.AUDIT_KEY.encode()], "public_key": audit_export.public_key(), **options}
    return [(problem.kind, problem.seq) for problem in check_export(lines, **given).problems]  # type: ignore[arg-type]


def test_export_verifies_for_every_reader() -> None:
    written()
    assert troubles(exported()) == []
    assert troubles(exported(), keys=()) == []
    assert troubles(exported(4, 7)) == []


def test_empty_export_verifies() -> None:
    assert troubles(exported(0, 0)) == []


def test_export_holds_recorded_rows() -> None:
    with transaction.atomic():
        audit.record(actor=ADA, action="a.b", subject="c:1", text="<b>\u202e\n\U0001f600")
    row = json.loads(exported(1, 1)[0])
    assert (row["seq"], row["actor"], row["body"]) == (1, "ada", {"text": "<b>\u202e\n\U0001f600"})


def changed(line: bytes, **fields: object) -> bytes:
    return encode_canonical({**json.loads(line), **fields}) + b"\n"


TAMPERINGS: dict[str, Callable[[Lines], Lines]] = {
    "edited": lambda rows: [*rows[:4], changed(rows[4], actor="bob"), *rows[5:]],
    "deleted": lambda rows: rows[:4] + rows[5:],
    "inserted": lambda rows: [*rows[:4], changed(rows[3], seq=5), *rows[4:]],
    "swapped": lambda rows: [*rows[:4], rows[5], rows[4], *rows[6:]],
    "cut": lambda rows: rows[:6] + rows[-1:],
    "without its start": lambda rows: rows[3:],
    "without its manifest": lambda rows: rows[:-1],
    "with another manifest": lambda rows: [*rows[:-1], changed(rows[-1], signature="00" * 64)],
    "empty": lambda _rows: [],
    "no export": lambda _rows: [b"hello\n"],
    "other JSON": lambda _rows: [b"[1]\n", b'{"manifest": []}\n'],
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_tampered_export_is_refused_without_the_secret(name: str) -> None:
    written()
    assert troubles(TAMPERINGS[name](exported()), keys=()) != []


@pytest.mark.parametrize(("name", "where"), [("edited", ("edited", 5)), ("deleted", ("missing", 5))])
def test_with_the_secret_the_row_is_named(name: str, where: tuple[str, int]) -> None:
    written()
    assert where in troubles(TAMPERINGS[name](exported()))


def test_export_signed_with_another_key_is_refused() -> None:
    """Who holds no secret can make a file that is whole in itself; the portal's public key tells."""
    written()
    lines = exported()
    key = Ed25519PrivateKey.generate()
    manifest = {**json.loads(lines[-1])["manifest"], "public_key": key.public_key().public_bytes_raw().hex()}
    forged = {"manifest": manifest, "hmac": "00", "signature": key.sign(encode_canonical(manifest)).hex()}
    lines[-1] = encode_canonical(forged) + b"\n"
    assert troubles(lines, keys=(), public_key="") == []
    assert troubles(lines, keys=()) == [("file", 0)]


def test_days_choose_rows() -> None:
    written(3)
    now = datetime.now(UTC)
    assert audit_export.find_row_span(now - timedelta(hours=1), None) == audit_export.TrailSpan(1, 3)
    assert audit_export.find_row_span(now + timedelta(hours=1), None) == audit_export.TrailSpan()


@settings_of(deadline=None, max_examples=examples(25))
@given(st.binary(max_size=200), st.integers(0, 511))
def test_our_ed25519_agrees_with_the_library(message: bytes, bit: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert is_signature_valid(public, message, signature)
    broken = bytearray(signature)
    broken[bit // 8] ^= 1 << bit % 8
    assert not is_signature_valid(public, message, bytes(broken))


def test_the_program_runs_alone(tmp_path: Path) -> None:
    """Isolated from site-packages and from this repository: the standard library only."""
    written()
    program, export, key = tmp_path / "verify_audit.py", tmp_path / "trail.jsonl", tmp_path / "key"
    program.write_text(Path(verifier.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    export.write_bytes(b"".join(exported()))
    key.write_text(settings.AUDIT_KEY)

    def run(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-I", "-S", str(program), *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    assert run("trail.jsonl", "--public-key", audit_export.public_key(), "--key-file", "key") == (
        0, "10 rows, 1 to 10: complete and in order.\n",
    )  # fmt: skip
    assert "proves little" in run("trail.jsonl")[1]
    export.write_bytes(b"".join(TAMPERINGS["edited"](exported())))
    status, said = run("trail.jsonl", "--key-file", "key")
    assert status == 1
    assert "edited: row 5 (thing:4) was changed" in said
    assert run("nothing.jsonl")[0] == 2


def test_an_older_key_still_opens_an_export_that_spans_both(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = settings.AUDIT_KEY, "a-new-key-" * 5
    written(2)
    monkeypatch.setattr(settings, "AUDIT_KEY", new)
    monkeypatch.setattr(settings, "AUDIT_KEY_FALLBACKS", [old])
    written(2)
    assert troubles(exported(1, 4), keys=[old.encode(), new.encode()]) == []
    assert AuditEvent.objects.count() == 4
