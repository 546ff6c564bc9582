"""The only part that knows all services: the server's life and every request's way through it."""
