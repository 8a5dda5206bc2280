"""What people may type and attach."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import PurePath

from django.core.exceptions import ValidationError
from django.db import transaction

from exceptions.errors import InvalidRequestError, WorkflowError
from exceptions.models import Attachment, ExceptionRequest
from governance.core import audit, freetext
from governance.core.policy import Actor, NotPermittedError
from scans import registry

MAX_TEXT = 20_000
MAX_FILE = 2 * 1024 * 1024
MAX_FILES = 10
# By the name's end. Served as downloads only, never shown, so that a file can't act in the portal's name.
KINDS = {
    ".csv": "text/csv", ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".jpg": "image/jpeg", ".json": "application/json", ".pdf": "application/pdf", ".png": "image/png",
    ".txt": "text/plain", ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
UNSAFE = re.compile(r"[^A-Za-z0-9._ -]+")


def checked_text(name: str, text: str, *, most: int = MAX_TEXT) -> str:
    """Stripped. Raises InvalidRequestError for what is too long, or holds a secret or personal data: named by kind only."""
    stripped = text.strip()
    if len(stripped) > most:
        raise InvalidRequestError(**{name: f"At most {most:,} characters."})
    if "\x00" in stripped:
        raise InvalidRequestError(**{name: "It holds a character that can't be kept (NUL)."})
    try:
        freetext.refuse_sensitive(stripped)
    except ValidationError as error:
        raise InvalidRequestError(**{name: " ".join(error.messages)}) from error
    return stripped


def checked_controls(ids: Sequence[str], faults: dict[str, str]) -> list[str]:
    wanted = sorted({id.strip().upper() for id in ids if id.strip()})
    unknown = [id for id in wanted if id not in registry.controls()]
    if unknown:
        faults["compensating_controls"] = f"There is no control {', '.join(unknown)}."
    return wanted


def attach(*, actor: Actor, request: ExceptionRequest, name: str, data: bytes) -> Attachment:
    """Keep a file with the request. Raises InvalidRequestError for its size or kind, WorkflowError once it is decided."""
    if actor.user_id is None or actor.user_id != request.requested_by_id:
        raise NotPermittedError(f"Only who asked for {request} can attach files to it.")
    if request.state not in {"draft", "submitted", "changes_requested"}:
        raise WorkflowError(f"{request} is {request.state}; files can be attached until it is decided.")
    shown = UNSAFE.sub("_", PurePath(name.replace("\\", "/")).name)[-150:] or "file"
    content_type = KINDS.get(PurePath(shown).suffix.lower())
    if content_type is None:
        raise InvalidRequestError(attachment=f"Files of these kinds are taken: {', '.join(sorted(KINDS))}.")
    if not 0 < len(data) <= MAX_FILE:
        raise InvalidRequestError(
            attachment=f"A file has from 1 byte to {MAX_FILE // 1024 // 1024} MiB; this one {len(data):,} bytes."
        )
    with transaction.atomic():
        audit.hold("exceptionrequest.attach")
        if request.attachments.count() >= MAX_FILES:
            raise InvalidRequestError(attachment=f"At most {MAX_FILES} files.")
        made = Attachment.objects.create(
            request=request, by_id=actor.user_id, name=shown, content_type=content_type, size=len(data),
            digest=hashlib.sha256(data).hexdigest(), data=data,
        )  # fmt: skip
        audit.record(
            actor=actor, action="exceptionrequest.attach", subject=f"exceptionrequest:{request.pk}", digest=made.digest
        )
    return made
