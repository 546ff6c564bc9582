"""The second face: Infisical's machine-identity API at `/api` (spec/infisical.md), rendered over the core of `/v1`.

Every call becomes a request of the core, so tokens, policies, audit and explanations are the same; what is here only
names paths, reads bodies and shapes answers.
"""
