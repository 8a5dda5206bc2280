"""Draws the entity diagram: every model of the portal with its keys and its relations, as Mermaid text."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import models
from django.db.models.fields.related import RelatedField

# From the ground up, as imports go.
APPS = {
    "core": "Ground",
    "identity": "People",
    "notify": "Notifications",
    "accounts": "Inventory",
    "scans": "Scans and findings",
    "exceptions": "Exceptions and tickets",
}
HEAD = """# Entities

Every model of the portal. `make docs` writes this page from the models, and a test fails when they differ. A diagram shows one
app: its models with their primary keys, foreign keys and unique fields, and the models of other apps that they point at, as
empty boxes. Read `A }o--|| B : field` as: many A, each with one B in `field`; `o|` in place of `||` means that the field may
be empty.
"""


def render_page() -> str:
    parts = [HEAD]
    for label, title in APPS.items():
        found = list(apps.get_app_config(label).get_models())
        drawn = "\n".join(["erDiagram", "    direction LR", *draw_models(found)])
        parts.append(f"## {title}\n\n```mermaid\n{drawn}\n```\n")
        parts.append("| model | what it is |\n|---|---|\n" + "\n".join(map(describe_model, found)) + "\n")
    return "\n".join(parts)


def draw_models(found: list[type[models.Model]]) -> Iterator[str]:
    for model in found:
        yield f"    {model.__name__} {{"
        for field in model._meta.concrete_fields:
            if keys := list_keys(field):
                yield f"        {field.get_internal_type()} {field.attname} {','.join(keys)}"
        yield "    }"
    for model in found:
        for field in (*model._meta.concrete_fields, *model._meta.local_many_to_many):
            if isinstance(field, RelatedField) and is_ours(field):
                yield f"    {model.__name__} {draw_line(field)} {field.related_model.__name__} : {field.name}"


def is_ours(field: RelatedField[object, object]) -> bool:
    """Django's groups and permissions hang on each person, and the portal uses neither."""
    target = field.related_model
    return not isinstance(target, str) and target._meta.app_label in APPS


def list_keys(field: models.Field[object, object]) -> list[str]:
    """As Mermaid marks them: PK, FK, UK."""
    if field.primary_key:
        return ["PK"]
    return [mark for mark, holds in (("FK", field.is_relation), ("UK", field.unique)) if holds]


def draw_line(field: RelatedField[object, object]) -> str:
    if field.many_to_many:
        return "}o--o{"
    many = "|o" if field.one_to_one else "}o"
    return f"{many}--{'o|' if field.null else '||'}"


def describe_model(model: type[models.Model]) -> str:
    first, *_ = (model.__doc__ or "").strip().split("\n\n")
    sentence = " ".join(first.split()).replace("|", "\\|")
    return f"| {model.__name__} | {sentence} |"
