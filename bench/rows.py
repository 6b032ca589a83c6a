"""The rows of the report: which script measures what, how large, and how long it may take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`module` is run with the arguments of the chosen size, for at most so many seconds; the tiny size only shows that it runs."""

    name: str
    title: str
    module: str
    tiny: tuple[str, ...]
    small: tuple[str, ...]
    full: tuple[str, ...]
    longest_full: int = 7_200

    def arguments(self, size: str) -> tuple[str, ...]:
        return {"tiny": self.tiny, "small": self.small, "full": self.full}[size]

    def longest(self, size: str) -> int:
        return self.longest_full if size == "full" else LONGEST


SIZES = ("tiny", "small", "full")
# On an idle machine each takes a minute at most; a busy or slow one is given time.
LONGEST = 300
ROWS = (
    Row("start", "Start, memory and idle processes", "machine", ("2",), ("60",), ("120",), 900),
    Row("screens", "First paint and click to text, every screen", "screens", ("1",), ("2",), ("8",), 1_800),
    Row("operators", "Operators at the same time", "operators", ("1", "2"), ("1", "5", "20"), ("1", "5", "20", "50"), 1_800),
    Row("overview", "Monitoring: the numbers of a month", "overview", ("300",), ("1000", "10000"), ("1000", "10000", "100000", "--only-ours", "1000000", "10000000")),
    Row("traces", "Traces: browse, filter, search", "traces", ("300",), ("1000", "10000"), ("1000", "10000", "100000")),
    Row("archive", "Archive", "archive", ("200",), ("1000", "10000"), ("1000", "10000", "100000")),
    Row("prompts", "Prompts: the list", "prompt_list", ("110", "4", "5", "1"), ("200", "5", "50", "1"), ("1000", "20", "1000"), 1_800),
    Row("versions", "Prompts: version and alias", "prompt_version", ("2",), ("10",), ("50",)),
    Row("compare", "Prompts: compare and write", "prompt_screen", ("1",), ("2",), ("8",), 1_800),
    Row("typing", "Prompts: a key in the editor", "typing", ("500",), ("20000",), ("20000",), 900),
    Row("evaluate", "Evaluation: overhead per row", "evaluate", ("4", "1"), ("60", "1"), ("200", "3"), 1_800),
    Row("results", "Evaluation: read and compare two runs", "evaluation_read", ("20", "1"), ("1000", "1"), ("1000",), 3_600),
    Row("dataset", "Datasets: many questions", "dataset_rows", ("400",), ("1000",), ("10000",), 3_600),
    Row("log", "Log an agent", "log_agent", ("0", "1"), ("0.2", "1"), ("1", "5"), 1_800),
    Row("serve", "Served requests", "serving", ("1",), ("4",), ("15",), 900),
    Row("scoring", "Scoring live answers", "scoring", ("4",), ("60",), ("500",), 1_800),
    Row("train", "A release without the model's time", "train", (), (), (), 900),
    Row("databricks", "Requests per screen of a new app on Databricks", "databricks", (), (), (), 900),
)  # fmt: skip
