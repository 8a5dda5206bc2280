"""What is derived from controls and evidence: coverage, frameworks, statements, control pages, data flows. Pure."""
