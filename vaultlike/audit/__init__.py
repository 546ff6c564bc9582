"""Audit: who asked what, and what was answered, in files, syslog or sockets, with every secret hashed."""
