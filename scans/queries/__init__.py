"""Reads about findings, cells, scans and controls. Each takes the accounts that the reader may see."""
