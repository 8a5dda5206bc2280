"""The audit trail as it is read: checked, exported, anchored, shown. What writes it is governance.core.audit."""
