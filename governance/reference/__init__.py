"""Writes the documents that are generated from the whole portal: the API document and the entity diagram."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

from django.core.management import call_command

from governance.reference import entities


def openapi_document() -> str:
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", stdout=out)
    return out.getvalue().strip() + "\n"


# Path below docs/ -> what makes its text.
DOCUMENTS: dict[str, Callable[[], str]] = {
    "openapi.json": openapi_document,
    "reference/entities.md": entities.render_page,
}
