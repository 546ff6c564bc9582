"""What is mounted where, and which plugin serves it. Knows no tokens, no policies and no HTTP."""
