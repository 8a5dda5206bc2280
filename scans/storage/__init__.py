"""What a scan stores: evidence by its digest, and which evidence is the latest."""
