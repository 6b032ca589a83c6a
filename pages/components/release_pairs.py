"""What answers people, in words: an agent version with its prompt version, or one that asks no prompt."""

from pages.components import session
from services import releases
from services.releases import Pair


def told(pair: Pair) -> str:
    """For the middle of a sentence."""
    return session.say(releases.consequences.pair_in_words(pair))
