"""Tickets for remediation: proposed, approved, delivered to a tracker, verified by a scan."""
