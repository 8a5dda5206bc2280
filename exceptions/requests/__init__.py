"""Exception requests: drafting, deciding, renewing, drift and expiry."""
