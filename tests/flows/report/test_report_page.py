"""The page as text and files; how it looks and works in a browser is `test_report_browser.py`."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.lakes import settings_of
from tests.report_lakes import HOSTILE, show_lake
from thoughtmill.flows.report import write_report
from thoughtmill.flows.report.charts import compact, percent, ticks, top
from thoughtmill.flows.report.page import as_json
from thoughtmill.schemas.errors import LakeError

CSS = (Path(__file__).parents[3] / "flows" / "report" / "page.css").read_text()


class Elements(HTMLParser):
    """Tags, attributes and visible text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        (self.scripts if self._inside == "script" else self.text).append(data)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    return write_report(show_lake(folder / "lake"), folder / "new" / "report.html")


@pytest.fixture(scope="module")
def page(written) -> Elements:
    return Elements(written.page.read_text())


def test_page_when_texts_are_hostile_then_no_tag_or_script_comes_of_them(page):
    kinds = {tag for tag, _ in page.tags}
    assert not kinds & {"img", "iframe", "object", "embed", "base"}
    assert len(page.scripts) == 2  # the sample, and the page's own
    traces = json.loads(page.scripts[0])
    thoughts = {s["head"] for t in traces for s in t["segments"] if s["kind"] == "think"}
    assert HOSTILE in thoughts
    assert any(t["domain"] == HOSTILE for t in traces)


def test_page_when_read_then_it_names_nothing_outside_itself(page):
    for tag, attributes in page.tags:
        for name in ("src", "href", "srcset", "data", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith("data:"), (tag, attributes)
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
    assert "url(" not in CSS
    assert "@import" not in CSS


def test_page_when_charts_are_drawn_then_each_asks_a_question_and_has_its_png(written):
    text = written.page.read_text()
    titles = re.findall(r"<h3>(.*?)</h3>", text)
    assert len(titles) == 10
    assert all(title.endswith("?") for title in titles)
    names = {path.stem for path in written.pictures}
    assert names == set(re.findall(r'id="chart-(\w+)"', text))
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written.pictures)
    assert {path.parent for path in written.pictures} == {written.page.with_suffix("")}


def test_page_when_written_again_then_bytes_are_the_same(written, tmp_path):
    lake = written.page.parent.parent / "lake"
    again = write_report(settings_of(lake), tmp_path / "report.html")
    assert again.page.read_bytes() == written.page.read_bytes()


def test_page_when_the_lake_is_empty_then_every_part_says_why(settings, tmp_path):
    written = write_report(settings, tmp_path / "report.html")
    text = written.page.read_text()
    assert text.count('class="empty"') == 11  # ten charts and the sample
    assert "No trace has landed yet." in text
    assert "No answer was judged" in text
    assert written.pictures == ()


def test_page_when_charts_become_empty_then_old_pictures_go(settings, tmp_path):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "funnel.png").write_bytes(b"old")
    (tmp_path / "report" / "mine.txt").write_text("kept")
    write_report(settings, tmp_path / "report.html")
    assert [path.name for path in (tmp_path / "report").iterdir()] == ["mine.txt"]


def test_page_when_it_cannot_be_written_then_the_error_is_ours(settings, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LakeError, match="can't write the report"):
        write_report(settings, tmp_path / "file" / "report.html")


def test_as_json_when_text_would_end_the_script_then_it_is_escaped_and_reads_the_same():
    text = as_json([HOSTILE])
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == [HOSTILE]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (12_345, "12,345"), (1_234_567, "1.23 M"), (0.1234, "0.123"), (2.5e9, "2.5 G")],
)
def test_compact_when_a_number_is_shown_then_it_is_short(value, text):
    assert compact(value) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [(0, "0 %"), (1, "< 0.1 %"), (9_999, "> 99.9 %"), (10_000, "100 %"), (250, "2.5 %")],
)
def test_percent_when_a_share_is_nearly_all_or_none_then_it_does_not_say_all_or_none(part, text):
    assert percent(part, 10_000) == text


@pytest.mark.parametrize("most", [0, 0.3, 1, 7, 99, 100, 12_345])
def test_ticks_when_an_axis_is_made_then_it_holds_the_most_and_ends_on_a_tick(most):
    places = ticks(most)
    assert top(most) >= most
    assert (places[0].at, places[-1].at) == (0, 1)
    assert 2 <= len(places) <= 6


@pytest.mark.parametrize("scheme", [0, 1])
@pytest.mark.parametrize(
    ("text", "ground"),
    [("ink", "paper"), ("soft", "paper"), ("ink", "card"), ("soft", "prompt-bg"), ("soft", "track")]
    + [(kind, f"{kind}-bg") for kind in ("hint", "code", "output", "answer")]
    + [("soft", f"{kind}-bg") for kind in ("hint", "code", "output", "answer")]
    + [(outcome, "paper") for outcome in ("good", "bad", "warn")],
)
def test_colours_when_text_stands_on_its_ground_then_contrast_is_at_least_4_5(scheme, text, ground):
    assert contrast(scheme, text, ground) >= 4.5  # WCAG 2.2, 1.4.3


@pytest.mark.parametrize("scheme", [0, 1])
@pytest.mark.parametrize("tone", ["accent", "second", "third", "good", "bad", "warn", "mute"])
def test_colours_when_a_mark_stands_on_the_page_then_contrast_is_at_least_3(scheme, tone):
    assert contrast(scheme, tone, "paper") >= 3  # WCAG 2.2, 1.4.11


def contrast(scheme: int, one: str, other: str) -> float:
    """Contrast of two colours of the style's light (0) or dark (1) scheme."""
    block = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[scheme]
    colours = dict(re.findall(r"--([\w-]+): #(\w{6})", block))
    light, dark = sorted((luminance(colours[one]), luminance(colours[other])), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
