"""The parts of the monitoring screen."""
