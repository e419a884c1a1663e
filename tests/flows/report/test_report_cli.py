"""`thoughtmill report` as a person meets it."""

from __future__ import annotations

from pathlib import Path

from tests.flows.cli.test_main import answer, complaint

ROOT = Path(__file__).parents[3]


def test_report_when_a_run_is_named_then_the_page_and_its_pictures_are_written(small, tmp_path):
    lake = str(Path(small.data).parent)
    out = tmp_path / "pages" / "tiny.html"
    said = answer("report", "--lake", lake, "--out", str(out))
    assert said == f"The whole lake: {out}; 5 charts as PNG in {out.with_suffix('')}\n"
    assert "<title>The whole lake" in out.read_text()
    assert len(list((tmp_path / "pages" / "tiny").glob("*.png"))) == 5


def test_report_when_the_run_is_not_there_then_one_line_says_what_is(small, tmp_path):
    lake = str(Path(small.data).parent)
    said = complaint("report", "nowhere", "--lake", lake, "--out", str(tmp_path / "a.html"))
    assert "'nowhere' is no run of this lake" in said
    assert not (tmp_path / "a.html").exists()
