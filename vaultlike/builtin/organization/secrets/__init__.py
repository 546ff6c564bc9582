"""The secrets of projects as the second API knows them, over the kv version 2 mount of the organization.

One kv secret each, at `organization-secrets/data/<project id>/<environment>/<folders>/<name>`; folders, imports and
tags are documents of the organization's mount. Owns no versions and no policies: the kv engine keeps the rules of the
first, and the caller's ACL is asked about the kv path of everything that is touched.
"""
