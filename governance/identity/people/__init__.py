"""People and service accounts: inviting, names, sign-in, sessions and API tokens."""
