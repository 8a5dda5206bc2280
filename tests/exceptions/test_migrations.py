"""Rows that older versions wrote mean the same afterwards."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.utils import timezone

from exceptions.models import ExceptionRequest
from tests.support.story import Cast

pytestmark = pytest.mark.django_db

START = import_module("exceptions.migrations.0008_start_that_somebody_chose")


def test_migration_clears_filled_starts_keeps_chosen_ones(people: Cast) -> None:
    filled, chosen, approved = people.submitted(), people.submitted(), people.approved()
    now = timezone.now()
    start = now + timedelta(days=2)
    ExceptionRequest.objects.filter(pk=filled.pk).update(starts_at=now, submitted_at=now)
    ExceptionRequest.objects.filter(pk=chosen.pk).update(starts_at=start, submitted_at=now)
    START.empty_filled_in_starts(apps, None)
    for request in (filled, chosen, approved):
        request.refresh_from_db()
    assert (filled.starts_at, chosen.starts_at) == (None, start)
    assert approved.starts_at is not None
    START.fill_in_starts(apps, None)
    filled.refresh_from_db()
    assert filled.starts_at == now
