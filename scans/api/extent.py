"""The API's document of how far Accounts were read."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ExtentSerializer(serializers.Serializer[Any]):
    """Accounts by how far they were read. read, limited (only for some regions or controls, or by a Scan that did not
    end), unreadable and untried add up to accounts. closed: of the unreadable, those closed by AWS. never: never read,
    so no number includes them."""

    accounts = serializers.IntegerField()
    read = serializers.IntegerField()
    limited = serializers.IntegerField()
    unreadable = serializers.IntegerField()
    closed = serializers.IntegerField()
    untried = serializers.IntegerField()
    never = serializers.IntegerField()
