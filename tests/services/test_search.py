"""One question finds prompts, releases and traces."""

from dataclasses import asdict

from services import prompts, search
from services.releases import Kind, Pair, records
from tests.left_traces import leave


def released(workspace, why):
    moves = {"prompt": "greeting", "before": asdict(Pair(None, None, None)), "after": asdict(Pair("m-1", 1, 1))}
    return records.add(workspace, Kind.AGENT, moves, why)


def test_words_are_found_wherever_they_stand(workspace):
    prompts.save(workspace, "greeting", "Be kind about parcels. 小包の到着日を案内する。", "")
    prompts.save(workspace, "farewell", "Say goodbye.", "")
    id, other = released(workspace, "parcels are named now"), released(workspace, "another reason")
    trace = leave(workspace, "Where are my PARCELS?", origin="probe", hours_ago=300)
    found = search.find(workspace, "parcels")
    assert [one.name for one in found.prompts] == ["greeting"]
    assert [one.id for one in found.releases] == [id]
    assert [one.trace_id for one in found.traces] == [trace]

    assert [one.id for one in search.find(workspace, f"#{other}").releases] == [other]
    assert [one.id for one in search.find(workspace, f"{other} REASON").releases] == [other]
    assert search.find(workspace, f"{id} {other}").empty and search.find(workspace, "9" * 40).empty
    assert [one.name for one in search.find(workspace, "到着日").prompts] == ["greeting"]
    assert search.find(workspace, trace).traces[0].trace_id == trace
    assert search.find(workspace, "tr-" + "0" * 32).empty
    assert search.find(workspace, "parcels zeppelin").empty
    assert search.find(workspace, "  ").empty


def test_many_are_counted_and_few_are_shown(workspace, monkeypatch):
    for number in range(search.MOST + 2):
        released(workspace, f"again {'x' * number}")
    whole, read = records._from_row, []
    monkeypatch.setattr(records, "_from_row", lambda row, *given: (read.append(row.id), whole(row, *given))[1])
    found = search.find(workspace, "again")
    assert read == [one.id for one in found.releases], "what is not shown is not read whole"
    assert (len(found.releases), found.releases_total) == (search.MOST, search.MOST + 2)
    assert found.releases[0].id > found.releases[-1].id
