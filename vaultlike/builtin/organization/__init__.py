"""Organizations, projects and machine identities: what the second API (`/api`, spec/infisical.md) is about, over the
core's own entities, policies, mounts and tokens. Paths and fields have the names of that API, so both faces show one
resource alike. Owns no HTTP.
"""
