"""The tables that say how many approve, how long, and by when a ticket is due."""
