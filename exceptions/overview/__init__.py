"""Pages over both: the inbox, the metrics, the board, the panels of a finding."""
