"""What an agent's request lacks."""


class Misfit(ValueError):
    """The request does not fit the agent; the text is a sentence."""
