"""What keeps the database from opening itself: shares, root key, keyring, barrier. Knows documents, not SQL or HTTP."""
