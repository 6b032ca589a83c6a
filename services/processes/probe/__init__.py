"""The process that runs somebody's agent file by itself; it knows nothing of the console."""
