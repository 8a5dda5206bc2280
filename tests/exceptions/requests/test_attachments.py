"""Files to a request: whose, of which kind and size, until when, and under which name."""

from __future__ import annotations

import pytest

from exceptions.errors import InvalidRequestError, WorkflowError
from exceptions.models import ExceptionRequest
from exceptions.requests import attachments
from governance.core.policy import NotPermittedError
from tests.support.story import Cast, acting

pytestmark = pytest.mark.django_db
TOO_LONG = b"x" * (attachments.MAX_FILE_SIZE + 1)


@pytest.mark.parametrize(
    ("name", "data", "field"),
    [("a.html", b"x", "name"), ("a.svg", b"x", "name"), ("a", b"x", "name"), ("a.pdf", b"", "content"),
     ("a.pdf", TOO_LONG, "content")],
)  # fmt: skip
def test_files_of_a_refused_kind_or_size(people: Cast, name: str, data: bytes, field: str) -> None:
    request = people.drafted()
    with pytest.raises(InvalidRequestError) as caught:
        attachments.attach(actor=acting(people.owner), request=request, name=name, data=data)
    assert set(caught.value.fields) == {field}
    assert name in str(caught.value)


def test_a_file_keeps_a_harmless_name(people: Cast) -> None:
    request = people.drafted()
    made = attachments.attach(actor=acting(people.owner), request=request, name='../../e"vil\r\n.pdf', data=b"%PDF-1.4")
    assert made.name == "e_vil_.pdf"


@pytest.mark.parametrize("name", ["jane.doe@example.com.pdf", "password=Tr0ub4dor&3xyz.pdf"])
def test_sensitive_file_name_is_refused_and_not_echoed(people: Cast, name: str) -> None:
    request = people.drafted()
    with pytest.raises(InvalidRequestError) as caught:
        attachments.attach(actor=acting(people.owner), request=request, name=name, data=b"%PDF-1.4")
    assert "seems to contain" in caught.value.fields["name"]
    assert not any(part in str(caught.value) for part in ("jane", "example", "Tr0ub4dor"))
    assert not request.attachments.exists()


@pytest.mark.parametrize("name", ["evidence-2026-11-25.csv", "export 100000000001.json", "Q3 risk review (final).docx"])
def test_an_everyday_name_is_taken(people: Cast, name: str) -> None:
    assert attachments.attach(actor=acting(people.owner), request=people.drafted(), name=name, data=b"x").size == 1


def test_outsider_can_not_attach_files(people: Cast) -> None:
    with pytest.raises(NotPermittedError):
        attachments.attach(actor=acting(people.outsider), request=people.drafted(), name="a.pdf", data=b"x")


def test_number_of_attachments_is_limited(people: Cast) -> None:
    request = people.drafted()
    for number in range(attachments.MAX_FILES):
        attachments.attach(actor=acting(people.owner), request=request, name=f"{number}.pdf", data=b"x")
    with pytest.raises(WorkflowError, match=r"more\.pdf was not attached"):
        attachments.attach(actor=acting(people.owner), request=request, name="more.pdf", data=b"x")


def test_file_after_decision_is_refused_on_stale_read(people: Cast) -> None:
    request = people.submitted()
    read_before = ExceptionRequest.objects.get(pk=request.pk)
    people.decides(request, people.approver)
    with pytest.raises(WorkflowError, match="until it is decided"):
        attachments.attach(actor=acting(people.owner), request=read_before, name="a.pdf", data=b"x")
    assert not request.attachments.exists()
