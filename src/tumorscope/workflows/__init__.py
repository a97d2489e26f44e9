"""One file a command, readable from top to bottom."""
