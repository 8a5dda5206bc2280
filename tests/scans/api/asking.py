"""Short words for asking the API."""

from __future__ import annotations

from typing import Any

from django.test import Client

ROOT = "/api/v1/"


def items(client: Client, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(ROOT + path, query)
    assert answer.status_code == 200, answer.content
    return answer.json()["items"]


def every(client: Client, path: str, **query: Any) -> list[dict[str, Any]]:
    """All pages, by following `next`."""
    found: list[dict[str, Any]] = []
    url: str | None = ROOT + path
    while url is not None:
        answer = client.get(url, query)
        assert answer.status_code == 200, answer.content
        found += answer.json()["items"]
        url, query = answer.json()["next"], {}
    return found


def get(client: Client, path: str, **query: Any) -> dict[str, Any]:
    answer = client.get(ROOT + path, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def post(client: Client, path: str, body: Any = None, **headers: str) -> Any:
    return client.post(
        ROOT + path, {} if body is None else body, content_type="application/json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )  # fmt: skip


def refused(answer: Any, status: int) -> dict[str, Any]:
    """The problem document of a refusal, once its form is found right."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    said = answer.json()
    assert said["status"] == status
    assert said["type"].startswith("urn:tutela:problem:")
    assert said["title"]
    assert said["detail"]
    return said


def fields(said: dict[str, Any]) -> set[str]:
    return {error["field"] for error in said["errors"]}
