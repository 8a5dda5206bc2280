"""What collectors share: shapes of answers, names of keys, contents of documents."""
