"""The parts of the scorers screen."""
