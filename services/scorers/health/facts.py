"""What is known of a judge, and the line below which it may not gate."""

from dataclasses import dataclass, field
from datetime import datetime

from mlflow.entities import TraceInfo

from services.scorers.records import ScorerSpec
from services.verdicts.agreement import Agreement

FEW = 20


@dataclass(frozen=True)
class Line:
    """Below it a judge may not gate. `kappa` counts from `opinions` answers on that people judged too."""

    kappa: float = 0.4
    opinions: int = FEW
    failures: float = 0.1
    people_first: bool = False


@dataclass(frozen=True)
class Noise:
    """The same answers judged twice: `differ` of `pairs` got another verdict; numbers differ by `mean_difference`."""

    at: datetime
    answers: int
    pairs: int
    differ: int
    mean_difference: float | None
    failed: int

    @property
    def share(self) -> float:
        return self.differ / self.pairs if self.pairs else 0.0


@dataclass(frozen=True)
class Week:
    """What a scorer said in one week; `passed` is the mean verdict, on its scale from 0 to 1.

    People judged `compared` of that week's answers too, and agreed with `agreed`.
    """

    start: datetime
    verdicts: int
    passed: float
    failures: int
    compared: int = 0
    agreed: int = 0


@dataclass(frozen=True)
class Disagreement:
    """An answer that the scorer `passed` and people did not, or the other way round."""

    trace_id: str
    question: str
    passed: bool


@dataclass(frozen=True)
class Health:
    """What is known of one version of a scorer in the last DAYS."""

    spec: ScorerSpec
    verdicts: int
    failures: int
    agreement: Agreement
    disagreements: tuple[Disagreement, ...] = ()
    noise: Noise | None = None
    weeks: tuple[Week, ...] = field(default=())

    @property
    def failure_share(self) -> float:
        asked = self.verdicts + self.failures
        return self.failures / asked if asked else 0.0


@dataclass(frozen=True)
class Opinion:
    """What people say of one answer, and why where somebody wrote it down."""

    info: TraceInfo
    passed: bool
    why: str
