"""The API of a request's files. Content is base64 in JSON, in both directions."""

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
    name = serializers.CharField(help_text=f"The file name, with one of the endings {ALLOWED_ENDINGS}.")
    content = serializers.CharField(
        help_text=f"The file in base64, at most {attachments.MAX_FILE_SIZE // 1024 // 1024} MiB.",
        # decode_content drops white space; to strip megabytes of text first would be a copy for nothing.
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
        """List the request's files, oldest first; ten at most."""
        # Without the content, which is up to 20 MiB in all.
        rows = self.found(request_id).attachments.defer("data").select_related("by")
        page = self.paginate_rows(rows, ascending=True)
        return self.page(page.rows, page.next)

    def create(self, _request: Request, request_id: int) -> Response:
        """Attach a file to your own request, until it is decided."""
        found, given = self.found(request_id), self.body()
        with translate_workflow_errors():
            data = decode_content(given["content"])
            return self.answer(attachments.attach(actor=self.actor, request=found, name=given["name"], data=data))

    def retrieve(self, _request: Request, request_id: int, attachment_id: int) -> Response:
        """Get one file with its content."""
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
        # Some tools break base64 into lines, so white space is dropped; validate refuses every other foreign character.
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:  # ValueError: a letter beyond ASCII
        raise InvalidRequestError(content="This is not base64. Encode the file's bytes and send it again.") from error
