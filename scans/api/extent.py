"""How the API says how far Accounts were read."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ExtentSerializer(serializers.Serializer[Any]):
    """Accounts by how far they were read: read, limited (only for some regions or controls, or by a Scan that did not
    end), unreadable (closed: since AWS lets nobody in) and untried add up to accounts. never: nothing was ever read of
    them, so no number says anything of them."""

    accounts = serializers.IntegerField()
    read = serializers.IntegerField()
    limited = serializers.IntegerField()
    unreadable = serializers.IntegerField()
    closed = serializers.IntegerField()
    untried = serializers.IntegerField()
    never = serializers.IntegerField()
