"""Attaches files to a request: small files of known types, until the request is decided."""

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
# By the ending of the name; the content isn't looked at. So files are served as downloads only, never shown: a page in
# disguise must not run with the portal's cookies.
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
    """Attach a file to the request. size: the size of a file that is too large to have been read.

    Raises InvalidRequestError for the name, the size or the type, WorkflowError if the request is decided or has ten
    files."""
    if actor.user_id is None or actor.user_id != request.requested_by_id:
        raise NotPermittedError(f"Only the requester of {request} can attach files to it.")
    shown, content_type = sanitize_file_name(name)
    size = max(size, len(data))
    if not 0 < size <= MAX_FILE_SIZE:
        most = MAX_FILE_SIZE // 1024 // 1024
        raise InvalidRequestError(
            content=f"{shown} has {size:,} bytes. A file must have at least 1 byte and at most {most} MiB."
        )
    with transaction.atomic():
        locking.lock_trail_end("exceptionrequest.attach")
        # Locked and read again, so that a file takes its turn with decisions: it arrives before the approver's snapshot
        # is compared, or after the decision, when it is refused.
        locked = locking.lock_request(request.pk)
        if locked.state not in OPEN_STATES:
            raise WorkflowError(f"{locked} is {locked.state}; files can be attached only until it is decided.")
        if locked.attachments.count() >= MAX_FILES:
            raise WorkflowError(f"{shown} was not attached: a request can have at most {MAX_FILES} files.")
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
    """The name under which the file is stored, and its content type."""
    # The name is checked for secrets and personal data as it came: sanitized, an address no longer looks like one.
    try:
        validate_text("name", name)
    except InvalidRequestError as error:
        raise InvalidRequestError(name=f"Rename the file. {error}") from error
    shown = UNSAFE_CHARACTERS.sub("_", PurePath(name.replace("\\", "/")).name)[-MAX_NAME_LENGTH:] or "file"
    content_type = FILE_TYPES.get(PurePath(shown).suffix.lower())
    if content_type is None:
        raise InvalidRequestError(name=f"{shown} has an unsupported type. Use one of: {', '.join(sorted(FILE_TYPES))}.")
    return shown, content_type
