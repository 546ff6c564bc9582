"""The server process: command line, configuration to parts, dev mode, signals, workers. Decides no request."""
