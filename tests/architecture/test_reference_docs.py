"""The generated documents say what the code says; a test that fails shows the difference and the command that ends it."""

from __future__ import annotations

import difflib
import re

import pytest
from django.apps import apps

from governance import reference
from governance.core.cli import COULD_NOT
from governance.management.commands.reference_docs import Command
from tests.architecture.test_code import PRODUCT, ROOT

COMMAND = "Run: make docs, and read docs/api-changes.md if the API document has changed"


def show_difference(name: str, wanted: str, written: str) -> str:
    old, new = written.splitlines(), wanted.splitlines()
    lines = [*difflib.unified_diff(old, new, f"docs/{name}", "the code", lineterm="")][:200]
    return "\n".join([f"docs/{name} is old. {COMMAND}.", *lines]) if wanted != written else ""


@pytest.mark.parametrize("name", reference.DOCUMENTS)
def test_generated_document_is_current(name: str) -> None:
    difference = show_difference(name, reference.DOCUMENTS[name](), (ROOT / "docs" / name).read_text(encoding="utf-8"))
    assert not difference, difference


def test_difference_names_the_line_and_the_command() -> None:
    said = show_difference("openapi.json", '{\n"version": "2"\n}', '{\n"version": "1"\n}')
    assert '-"version": "1"\n+"version": "2"' in said
    assert COMMAND in said


def test_command_says_which_documents_are_old(tmp_path, settings, monkeypatch, capsys) -> None:
    settings.BASE_DIR = tmp_path
    monkeypatch.setattr(reference, "DOCUMENTS", {"a.md": lambda: "first\n", "b/c.md": lambda: "second\n"})
    (tmp_path / "docs").mkdir()
    assert Command().work({"check": True}) == COULD_NOT
    assert capsys.readouterr().out.count("is old. Run: manage.py reference_docs") == len(reference.DOCUMENTS)
    assert Command().work({"check": False}) == 0
    assert Command().work({"check": True}) == 0


def test_entity_page_has_every_model_and_relation() -> None:
    page = (ROOT / "docs/reference/entities.md").read_text(encoding="utf-8")
    ours = [model for model in apps.get_models() if model.__module__.startswith(PRODUCT)]
    assert len(ours) > 30
    for model in ours:
        assert f"    {model.__name__} {{" in page, model
        for field in model._meta.concrete_fields:
            if field.is_relation:
                line = rf"    {model.__name__} \S+ {field.related_model.__name__} : {field.name}$"
                assert re.search(line, page, re.MULTILINE), (model, field.name)
