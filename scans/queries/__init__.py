"""Reads findings, cells, scans and controls for pages, the API and commands.

Each query takes the accounts that the reader can see, so none can leak others.
"""
