"""The report in a real headless Chromium: it fits, it works, it asks the network for nothing."""

from __future__ import annotations

import pytest

from tests.browser import browser, find_browser
from tests.report_lakes import HOSTILE, show_lake
from thoughtmill.flows.report import write_report

CHROMIUM = find_browser()
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium: apt-get install chromium, or make test as root"
)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    return write_report(show_lake(folder / "lake"), folder / "report.html").page


@pytest.fixture(scope="module")
def chromium():
    assert CHROMIUM is not None
    with browser(CHROMIUM) as page:
        yield page


@pytest.fixture
def page(chromium, report):
    chromium.open(report, width=1280)
    return chromium


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [380, 700, 1000, 1600])
def test_report_when_opened_then_it_fits_and_is_quiet(chromium, report, tmp_path, width, dark):
    chromium.open(report, width=width, dark=dark)
    chromium.value("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert chromium.value("innerWidth") == width
    assert chromium.value("document.documentElement.scrollWidth") <= width
    assert chromium.errors == []
    assert chromium.requests == [report.as_uri()]
    ground = chromium.value("getComputedStyle(document.body).backgroundColor")
    assert (int(ground[4:].split(",")[0]) < 60) == dark
    chromium.picture(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 20_000


def test_report_when_opened_then_no_text_overlaps_another_in_a_chart(page):
    overlaps = """
    [...document.querySelectorAll('.x-axis')].flatMap((axis) => {
      const boxes = [...axis.children].map((c) => c.getBoundingClientRect()).filter((b) => b.width);
      return boxes.slice(1).filter((b, n) => b.left < boxes[n].right).map((b) => b.left);
    })"""
    for width in (380, 1600):
        page.resize(width)
        assert page.value(overlaps) == []


def test_report_when_texts_are_hostile_then_they_are_shown_and_not_run(page):
    assert "owned" not in page.value("document.title")
    assert page.value("document.images.length") == 0
    page.value("document.querySelector('[name=domain]').selectedIndex = 1")
    page.value("document.querySelector('[name=domain]').dispatchEvent(new Event('change'))")
    shown = page.value("document.querySelector('#trace .meta').textContent")
    assert HOSTILE.split("\u2028")[0].strip() in shown
    assert page.value("document.querySelectorAll('#trace img, #trace script').length") == 0
    assert page.errors == []


def test_report_when_filtered_then_only_such_traces_are_listed(page):
    everything = page.value("document.querySelectorAll('#list li').length")
    page.value("document.querySelector('[name=outcome]').value = '=incorrect'")
    page.value("document.querySelector('[name=outcome]').dispatchEvent(new Event('change'))")
    listed = page.value("document.querySelectorAll('#list li').length")
    assert 0 < listed < everything
    assert page.value("document.querySelectorAll('#list .outcome-incorrect').length") == listed
    assert page.value("document.getElementById('place').textContent") == f"1 of {listed}"
    page.value("document.querySelector('[name=recipe]').value = '=solve'")
    page.value("document.querySelector('[name=recipe]').dispatchEvent(new Event('change'))")
    assert 0 < page.value("document.querySelectorAll('#list li').length") < listed


def test_report_when_keys_or_buttons_are_pressed_then_the_page_turns(page):
    first = page.value("document.querySelector('#trace dd').textContent")
    page.press("ArrowRight")
    second = page.value("document.querySelector('#trace dd').textContent")
    assert second != first
    page.press("k")
    assert page.value("document.querySelector('#trace dd').textContent") == first
    page.value("document.getElementById('next').click()")
    assert page.value("document.querySelector('#trace dd').textContent") == second
    assert page.value("document.querySelectorAll('[aria-current=true]').length") == 1


def test_report_when_a_trace_has_code_then_kinds_are_told_apart_and_its_prompt_is_folded(page):
    page.value("document.querySelector('[name=recipe]').value = '=code_integrated'")
    page.value("document.querySelector('[name=recipe]').dispatchEvent(new Event('change'))")
    kinds = page.value("[...document.querySelectorAll('.seg')].map((s) => s.className)")
    order = ("prompt", "think", "hint", "code", "output", "think", "answer")
    assert kinds == [f"seg seg-{kind}" for kind in order]
    colours = page.value(
        "[...new Set(['code', 'output', 'hint', 'answer', 'think'].map((k) => "
        "getComputedStyle(document.querySelector(`.seg-${k}`)).borderLeftColor))].length"
    )
    assert colours == 5
    font = "getComputedStyle(document.querySelector('.seg-{} pre')).fontFamily"
    assert "monospace" in page.value(font.format("code"))
    assert "monospace" not in page.value(font.format("think"))
    assert page.value("document.querySelector('.seg-prompt details').open") is False
    code = page.value("document.querySelector('.seg-code pre').textContent")
    assert "\n    print(total)" in code


def test_report_when_a_text_is_long_then_the_gap_is_counted(page):
    cut = page.value(
        "(() => { for (const b of document.querySelectorAll('#list button')) { b.click(); "
        "const gap = document.querySelector('#trace .gap'); if (gap) return gap.textContent; } })()"
    )
    assert cut == "… 24,000 characters left out …"


def test_report_when_the_lake_is_empty_then_the_page_is_quiet_too(chromium, settings, tmp_path):
    written = write_report(settings, tmp_path / "empty.html")
    chromium.open(written.page, width=380)
    assert chromium.errors == []
    assert chromium.value("document.documentElement.scrollWidth") <= 380
