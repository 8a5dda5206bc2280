"""Grants: giving, extending, revoking and lending roles."""
