"""The views of the Prompts screen, one file each."""
