"""Derives coverage, frameworks, statements, control pages and data flows from controls and evidence. Pure."""
