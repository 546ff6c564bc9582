"""The command line: it reaches a server only over HTTP and knows nothing of the server's inside.

Only the standard library is imported here, and command modules are imported when they are used: start-up time counts.
"""
