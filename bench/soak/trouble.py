"""What goes wrong meanwhile: one thing at a time, in an order that follows from the seed, each until it is over."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.soak.ledger import Ledger
from bench.soak.outside import FAILING, SLOW, WELL
from bench.soak.stack import ROLES, Stack

PAUSES = (5.0, 12.0)
LASTS = (6.0, 12.0)
SECONDS_TO_COME_BACK = 90.0
JUMPS = (3_700, -700)
KILLED_VERSION, FULL_DISK = "a version is killed", "the disk is full"


class Trouble(threading.Thread):
    """A deck of all kinds is dealt again and again, so that a short run sees each kind about equally often."""

    def __init__(self, stack: Stack, ledger: Ledger, seed: int) -> None:
        super().__init__(daemon=True)
        self.stack, self.ledger, self.seed = stack, ledger, seed
        self.chance = random.Random(f"{seed} trouble")
        self.stopping = threading.Event()

    def run(self) -> None:
        for name, act in self.dealt():
            if self.stopping.wait(self.chance.uniform(*PAUSES)):
                return
            since = time.time()
            act()
            self.ledger.trouble(name, since, time.time())
            if not self.stack.wait_ready(SECONDS_TO_COME_BACK):
                self.ledger.wonder(f"{SECONDS_TO_COME_BACK:.0f} s after “{name}” not every process was back")

    def dealt(self) -> Iterator[tuple[str, Callable[[], object]]]:
        # Its own chance: how often anything else is drawn depends on what runs.
        order = random.Random(f"{self.seed} order")
        while True:
            deck = list(self.kinds().items())
            order.shuffle(deck)
            yield from deck

    def kinds(self) -> dict[str, Callable[[], object]]:
        kinds: dict[str, Callable[[], object]] = {
            f"{role} is killed": lambda role=role: self.stack.kill(role) for role in ROLES
        }
        kinds[KILLED_VERSION] = lambda: self.stack.kill_version(self.chance.choice)
        for mood in (SLOW, FAILING):
            kinds[f"the model is {mood}"] = lambda mood=mood: self._moody("model", mood)
            kinds[f"the webhook's receiver is {mood}"] = lambda mood=mood: self._moody("receiver", mood)
        if self.stack.small_disk:
            kinds[FULL_DISK] = self._full_disk
        if self.stack.clock is not None:
            for jump in JUMPS:
                kinds[f"the clock jumps by {jump} s and back"] = lambda jump=jump: self._jump(jump)
        return kinds

    def _moody(self, what: str, mood: str) -> None:
        setattr(self.stack.outside, what, mood)
        self._last()
        setattr(self.stack.outside, what, WELL)

    def _full_disk(self) -> None:
        with self._undone(self.stack.make_room):
            self.stack.fill()
            self._last()

    def _jump(self, seconds: int) -> None:
        with self._undone(lambda: self.stack.move_clock(0)):
            self.stack.move_clock(seconds)
            self._last()

    def _last(self) -> None:
        self.stopping.wait(self.chance.uniform(*LASTS))

    @contextmanager
    def _undone(self, undo: Callable[[], object]) -> Iterator[None]:
        try:
            yield
        finally:
            undo()
