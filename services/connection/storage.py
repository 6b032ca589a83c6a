"""Where a workspace can keep traces: what each place is good for, how late it shows them, and what it cannot hold."""

from dataclasses import dataclass

from services.messages import mark


@dataclass(frozen=True)
class Storage:
    """One place for traces, in words."""

    name: str
    good_for: str
    delay: str
    limit: str


STORAGES = (
    Storage(
        mark("The experiment"),
        mark("Everything on the screens of this console. Nothing has to be set up."),
        mark("A few seconds"),
        mark("100,000 traces for each experiment; then new ones are refused."),
    ),
    Storage(
        mark("The experiment with files in a volume"),
        mark("The same, with the contents under your own storage and access rules."),
        mark("A few seconds"),
        mark("As the experiment; chosen when the experiment is made, and never changed."),
    ),
    Storage(
        mark("Archive table"),
        mark("Charts by SQL over a long time, and keeping traces when the experiment is full."),
        mark("Minutes: a job copies; the table comes with its first run."),
        mark("Only a copy; needs a SQL warehouse to read, which costs while it runs."),
    ),
    Storage(
        mark("Tables of Unity Catalog"),
        mark("More traces than an experiment holds, with access rules of the catalog."),
        mark("Seconds to minutes; a warehouse must run to read them."),
        mark("No limit; an experiment is linked once and for all, and some workspaces do not have it yet."),
    ),
    Storage(
        mark("Inference table"),
        mark("Requests and answers of an endpoint as they went over the wire, also without MLflow."),
        mark("Up to an hour"),
        mark("No verdicts and no steps of the agent; large requests are cut."),
    ),
)
