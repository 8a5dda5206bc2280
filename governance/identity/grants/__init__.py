"""Grants: which role a person holds where, until when, and from whom."""
