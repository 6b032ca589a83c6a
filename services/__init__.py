"""What the console can do; imports no user interface."""
