"""Stores evidence under its digest, and records which evidence is the latest."""
