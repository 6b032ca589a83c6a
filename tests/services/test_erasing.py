"""Personal data: what is deleted is gone everywhere, and the record tells no words."""

import json
import threading
import time
from dataclasses import replace

import pytest

from services import audit, datasets, readmodel, traces
from services.audit import Verb
from services.datasets import Row
from services.errors import ForbiddenError, InvalidInputError, NotFoundError
from services.people import Actor, Role
from services.readmodel import file
from services.traces import TraceQuery, erasing
from tests.left_traces import leave


def words(workspace, text):
    return [row.trace_id for row in traces.find(workspace, TraceQuery(text=text)).rows]


def test_what_a_person_asked_is_gone_everywhere(workspace):
    first, second = leave(workspace, "My name is Taro.", user="taro"), leave(workspace, "Taro again?", user="taro")
    other = leave(workspace, "Where is it?", user="eve")
    rows = [Row(datasets.row_id(one), one, source=id) for one, id in (("My name?", first), ("Where?", other))]
    made = datasets.create(workspace, "asked", rows)
    assert len(words(workspace, "taro")) == 2

    erased = erasing.erase_person(workspace, "taro", "A customer asked for it.")

    assert (erased.traces, erased.rows) == (2, 1)
    assert words(workspace, "taro") == [] and words(workspace, "where") == [other]
    for id in (first, second):
        with pytest.raises(NotFoundError):
            traces.get(workspace, id)
    assert [row.question for row in datasets.rows(workspace, made.id)] == ["Where?"]
    assert readmodel.state(workspace).traces == 1
    (line,) = [one for one in audit.of_verbs(workspace, [Verb.ERASE_TRACES]) if one.outcome == "done"]
    assert line.after == {"traces": 2, "rows": 1}
    assert "aro" not in json.dumps([line.subject, line.before, line.after, line.why])

    assert erasing.erase(workspace, other, "A mistake.").traces == 1
    assert words(workspace, "where") == []


def test_what_the_read_model_has_not_read_yet_is_deleted_too(workspace):
    leave(workspace, "Known already?", user="o'hara")
    readmodel.catch_up(workspace, 5)
    late = leave(workspace, "Come in since?", user="o'hara")
    other = leave(workspace, "Where is it?", user="o'har")
    held = threading.Event()
    reader = threading.Thread(target=read_for_a_second, args=(workspace, held))
    reader.start()
    held.wait()
    assert erasing.erase_person(workspace, "o'hara", "A customer asked for it.").traces == 2
    reader.join()
    with pytest.raises(NotFoundError):
        traces.get(workspace, late)
    assert traces.get(workspace, other)


def read_for_a_second(workspace, held):
    with file.writing(workspace):
        held.set()
        time.sleep(1)


def test_deleting_needs_a_reason_and_an_admin(workspace):
    id = leave(workspace)
    with pytest.raises(InvalidInputError):
        erasing.erase(workspace, id, " ")
    with pytest.raises(ForbiddenError):
        erasing.erase(replace(workspace, actor=Actor("bob", frozenset({Role.APPROVER}))), id, "why")
    assert traces.get(workspace, id)
