"""One scan from its start to its end, in the order in which it runs."""
