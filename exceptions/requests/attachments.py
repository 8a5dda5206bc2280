"""Files to a request: small, of a known kind, kept until it is decided."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePath

from django.db import transaction

from exceptions.common import locking
from exceptions.common.input_checks import validate_text
from exceptions.errors import InvalidRequestError, WorkflowError
from exceptions.models import Attachment, ExceptionRequest
from governance.core import audit
from governance.core.policy import Actor, NotPermittedError

MAX_FILE_SIZE = 2 * 1024 * 1024
MAX_FILES = 10
# By the name's end. Served as downloads only, never shown, so that a file can't act in the portal's name.
FILE_TYPES = {
    ".csv": "text/csv",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".txt": "text/plain",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
UNSAFE_CHARACTERS = re.compile(r"[^A-Za-z0-9._ -]+")
MAX_NAME_LENGTH = 150
OPEN_STATES = frozenset({"draft", "submitted", "changes_requested"})


def attach(*, actor: Actor, request: ExceptionRequest, name: str, data: bytes, size: int = 0) -> Attachment:
    """Keep a file with the request. size: of one that is so large that its data wasn't read. Raises InvalidRequestError for its name, size or kind, WorkflowError once it is decided
    or has its ten."""
    if actor.user_id is None or actor.user_id != request.requested_by_id:
        raise NotPermittedError(f"Only who asked for {request} can attach files to it.")
    shown, content_type = sanitize_file_name(name)
    size = max(size, len(data))
    if not 0 < size <= MAX_FILE_SIZE:
        raise InvalidRequestError(
            content=f"A file has from 1 byte to {MAX_FILE_SIZE // 1024 // 1024} MiB; {shown} has {size:,} bytes."
        )
    with transaction.atomic():
        locking.lock_trail_end("exceptionrequest.attach")
        # As it is now: a file that comes while somebody decides belongs to what they saw, or is refused.
        locked = locking.lock_request(request.pk)
        if locked.state not in OPEN_STATES:
            raise WorkflowError(f"{locked} is {locked.state}; files can be attached until it is decided.")
        if locked.attachments.count() >= MAX_FILES:
            raise WorkflowError(f"{shown} is one too many: a request has at most {MAX_FILES} files.")
        made = Attachment.objects.create(
            request=locked,
            by_id=actor.user_id,
            name=shown,
            content_type=content_type,
            size=size,
            digest=hashlib.sha256(data).hexdigest(),
            data=data,
        )
        audit.record(
            actor=actor, action="exceptionrequest.attach", subject=f"exceptionrequest:{locked.pk}", digest=made.digest
        )
    return made


def sanitize_file_name(name: str) -> tuple[str, str]:
    """The name under which it is kept, and its type. The name as it came is looked through: made harmless, an
    e-mail address no longer looks like one."""
    try:
        validate_text("name", name)
    except InvalidRequestError as error:
        raise InvalidRequestError(name=f"The file's name can't be kept. {error}") from error
    shown = UNSAFE_CHARACTERS.sub("_", PurePath(name.replace("\\", "/")).name)[-MAX_NAME_LENGTH:] or "file"
    content_type = FILE_TYPES.get(PurePath(shown).suffix.lower())
    if content_type is None:
        raise InvalidRequestError(name=f"{shown} is of another kind than these: {', '.join(sorted(FILE_TYPES))}.")
    return shown, content_type
