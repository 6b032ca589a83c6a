"""The review desk: queues, one answer after the other, and what was found."""
