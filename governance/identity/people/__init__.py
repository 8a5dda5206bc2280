"""People and service accounts: invited, known by name, signed in, given tokens."""
