"""The parts of the Playground screen, one file each."""
