"""`sys/*`: one file per resource, written with the same sdk as a plugin."""
