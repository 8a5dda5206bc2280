"""Parses AWS's answers for the collectors: shapes of answers, names of keys, contents of documents."""
