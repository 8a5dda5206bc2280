"""Requests for exceptions: drafted, decided, renewed, suspended, ended."""
