"""The ways to log in that identities have: each a configuration of a plugin that `/v1` mounts too, so that what a login
must prove is checked by one code whichever API it comes by (spec/infisical.md 1, 2; ADR 7). Owns no check of a login.
"""
