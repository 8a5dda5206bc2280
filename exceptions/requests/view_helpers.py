"""Helpers of the request views: find the request, attach an uploaded file."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from exceptions.models import ExceptionRequest
from exceptions.requests import attachments
from exceptions.requests.request_filters import visible_requests
from governance.identity.web import get_request_actor


def request_or_404(request: HttpRequest, pk: int) -> ExceptionRequest:
    return get_object_or_404(visible_requests(get_request_actor(request)), pk=pk)


def attach_file(request: HttpRequest, found: ExceptionRequest, file: UploadedFile[Any]) -> None:
    """Attach an uploaded file to the request."""
    # A file over the limit isn't read into memory; the service refuses it for its size.
    size = file.size or 0
    data = file.read() if size <= attachments.MAX_FILE_SIZE else b""
    attachments.attach(actor=get_request_actor(request), request=found, name=file.name or "file", data=data, size=size)
