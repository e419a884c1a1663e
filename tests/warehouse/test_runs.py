"""How a run that did not end by itself is told from one that works."""

from __future__ import annotations

import socket

from tests.lakes import settings_of
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.runs import begin_run, end_run, owner_is_gone


def test_run_when_its_process_is_gone_then_the_next_run_marks_it_lost(tmp_path):
    with Lake.create(settings_of(tmp_path / "lake")) as lake:
        begin_run(lake, "killed", name="a", stage="synthesize", config="{}")
        gone = f'{{"owner": "{socket.gethostname()}:1:0", "heartbeat": 1}}'
        lake.connection.execute("UPDATE runs SET summary = ?", [gone])
        begin_run(lake, "alive", name="a", stage="synthesize", config="{}")
        states = dict(lake.rows("SELECT run_id, state FROM run_report"))
    assert states == {"killed": "lost", "alive": "running"}


def test_run_when_it_fails_then_the_report_has_its_reason(tmp_path):
    with Lake.create(settings_of(tmp_path / "lake")) as lake:
        begin_run(lake, "r", name="a", stage="synthesize", config="{}")
        end_run(lake, "r", stage="synthesize", state="failed", summary={}, reason="disk is full")
        assert lake.rows("SELECT state, reason FROM run_report") == [("failed", "disk is full")]


def test_owner_when_on_another_machine_then_nothing_is_said_of_it():
    assert not owner_is_gone("elsewhere:1:0")
    assert not owner_is_gone(None)
