"""The mounts every server has beside `sys`: `auth/token` and `identity`, written with the sdk over the services."""
