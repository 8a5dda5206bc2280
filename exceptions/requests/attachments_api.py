"""Files of a request. They come and go as base64 in JSON, like everything else here."""

from __future__ import annotations

import base64
import binascii
from typing import Any, ClassVar

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from exceptions.common.workflow_errors import translate_workflow_errors
from exceptions.errors import InvalidRequestError
from exceptions.models import Attachment, ExceptionRequest
from exceptions.requests import attachments
from exceptions.requests.api import PERMISSIONS_TO_REQUEST
from exceptions.requests.request_filters import visible_requests
from governance.core.policy import Permission
from governance.rest.parsing import PageQuery, Strict
from governance.rest.views import Answer, Api

ALLOWED_ENDINGS = ", ".join(sorted(attachments.FILE_TYPES))


class AttachmentBody(Strict):
    name = serializers.CharField(help_text=f"With its ending: one of {ALLOWED_ENDINGS}.")
    content = serializers.CharField(
        help_text=f"The file, at most {attachments.MAX_FILE_SIZE // 1024 // 1024} MiB, in base64.",
        trim_whitespace=False,
    )


class AttachmentSerializer(serializers.Serializer[Any]):
    """digest: the SHA-256 of the file."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField()
    digest = serializers.CharField()
    at = serializers.DateTimeField()
    by = serializers.CharField(source="by.username")


class AttachmentDetailSerializer(AttachmentSerializer):
    """content: the file in base64."""

    content = serializers.SerializerMethodField()

    def get_content(self, attachment: Attachment) -> str:
        return base64.b64encode(bytes(attachment.data)).decode()


class AttachmentApi(Api):
    permissions: ClassVar = {
        "list": Permission.EXCEPTION_VIEW,
        "retrieve": Permission.EXCEPTION_VIEW,
        "create": PERMISSIONS_TO_REQUEST,
    }
    queries: ClassVar = {"list": PageQuery}
    bodies: ClassVar = {"create": AttachmentBody}
    answers: ClassVar = {
        "list": Answer(AttachmentSerializer, many=True),
        "retrieve": Answer(AttachmentDetailSerializer),
        "create": Answer(AttachmentSerializer, status=201),
    }

    def list(self, _request: Request, request_id: int) -> Response:
        """The request's files, oldest first; ten at most."""
        rows = self.found(request_id).attachments.defer("data").select_related("by")
        page = self.paginate_rows(rows, ascending=True)
        return self.page(page.rows, page.next)

    def create(self, _request: Request, request_id: int) -> Response:
        """Attach a file to one's own request, until it is decided."""
        found, given = self.found(request_id), self.body()
        with translate_workflow_errors():
            data = decode_content(given["content"])
            return self.answer(attachments.attach(actor=self.actor, request=found, name=given["name"], data=data))

    def retrieve(self, _request: Request, request_id: int, attachment_id: int) -> Response:
        """One file, whole."""
        row = self.found(request_id).attachments.select_related("by").filter(pk=attachment_id).first()
        if row is None:
            raise Http404
        return self.answer(row)

    def found(self, request_id: int) -> ExceptionRequest:
        """Raises Http404."""
        row = visible_requests(self.actor).filter(pk=request_id).first()
        if row is None:
            raise Http404
        return row


def decode_content(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)  # some tools break its lines
    except (binascii.Error, ValueError) as error:  # ValueError: a letter beyond ASCII
        raise InvalidRequestError(content="This is not base64.") from error
