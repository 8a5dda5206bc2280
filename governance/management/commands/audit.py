"""manage.py audit: checks the audit trail, exports it with a signature, anchors its end outside the database."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from governance.audit import check, export, trail
from governance.audit.anchor import AnchorWriteError, anchor_now
from governance.audit.extensions import audit_extensions
from governance.core import verifier
from governance.core.cli import COULD_NOT, DONE, CouldNotError, TutelaCommand, UsageError
from governance.core.policy import SYSTEM


class Command(TutelaCommand):
    help = "Check the audit trail (verify), export it with a signature (export), record where it ends (anchor)."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
        verify = acts.add_parser("verify", help="read every row; report those edited, inserted, moved or removed")
        verify.add_argument(
            "--anchors", type=Path, metavar="FILE", help="a file of anchors; default: TUTELA_AUDIT_ANCHOR_FILE"
        )
        export = acts.add_parser("export", help="write a signed file, which verify_audit.py checks without the portal")
        export.add_argument("--output", type=Path, required=True, metavar="FILE")
        export.add_argument("--from", dest="start", metavar="DATE", help="such as 2026-01-31 or 2026-01-31T12:00Z")
        export.add_argument("--to", dest="end", metavar="DATE", help="up to, but not including, this time")
        acts.add_parser("anchor", help="write the end of the trail to the log, the anchor file and the bucket")
        acts.add_parser("key", help="print the public key with which outsiders check exports")
        acts.add_parser("verifier", help="print the program with which outsiders check exports")

    def work(self, options: dict[str, Any]) -> int:
        status: int = getattr(self, options["act"])(options)
        return status

    def verify(self, options: dict[str, Any]) -> int:
        checked = check.check_trail(anchors(options["anchors"]))
        for problem in checked.problems:
            self.stdout.write(f"{problem.kind}: {problem.says}")
        if checked.problems:
            return COULD_NOT
        self.stdout.write(f"{checked.rows} rows: complete, in order, and sealed by this portal.")
        return DONE

    def export(self, options: dict[str, Any]) -> int:
        output: Path = options["output"]
        written = trail.record_and_export(actor=SYSTEM, start=moment(options["start"]), end=moment(options["end"]))
        try:
            with output.open("wb") as file:
                file.writelines(written)
        except OSError as error:
            raise CouldNotError(f"{output} can't be written: {error.strerror}. Choose another --output.") from error
        self.stdout.write(f"Written to {output}. To check it, run: python -I verify_audit.py {output} --public-key")
        self.stdout.write(export.public_key())
        return DONE

    def anchor(self, _options: dict[str, Any]) -> int:
        try:
            anchor = anchor_now(audit_extensions.required().anchor_writers())
        except AnchorWriteError as error:
            raise CouldNotError(str(error)) from error
        self.stdout.write(f"Row {anchor['seq']} is anchored." if anchor else "The trail is empty; nothing to anchor.")
        return DONE

    def key(self, _options: dict[str, Any]) -> int:
        self.stdout.write(export.public_key())
        return DONE

    def verifier(self, _options: dict[str, Any]) -> int:
        sys.stdout.write(Path(verifier.__file__).read_text(encoding="utf-8"))
        return DONE


def anchors(path: Path | None) -> list[dict[str, Any]]:
    # A file that was named on the command line must exist; the configured one is written by the first anchor.
    file = path or (Path(settings.AUDIT_ANCHOR_FILE) if settings.AUDIT_ANCHOR_FILE else None)
    if file is None or (path is None and not file.exists()):
        return []
    try:
        return check.read_anchors(file)
    except OSError as error:
        raise (UsageError if path else CouldNotError)(f"{file} can't be read: {error.strerror}.") from error
    except ValueError as error:
        raise (UsageError if path else CouldNotError)(str(error)) from error


def moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is not a date; use a form such as 2026-01-31 or 2026-01-31T12:00Z.") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
