"""Scans, findings, controls and outcomes in the API, and Accounts with their counts: one file each."""
