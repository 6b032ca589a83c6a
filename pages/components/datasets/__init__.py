"""The parts of the Datasets screen."""
