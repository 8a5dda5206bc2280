"""Reads the audit trail: checks, exports, anchors and shows it. governance.core.audit writes it."""
