"""Shared by requests and tickets: locks, stakeholders, notifications, and which findings are excepted."""
