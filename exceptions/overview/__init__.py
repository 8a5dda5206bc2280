"""Pages that show requests and tickets together: the inbox, the metrics, the board, the panels on a finding's page."""
