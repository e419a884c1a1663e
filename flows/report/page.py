"""Rendering a report: one HTML file that asks for nothing beside it, and the charts as PNG.

Text that a model wrote reaches the page as escaped text or as JSON that the script puts into text
nodes; a policy in the page's head lets no other script run and nothing be loaded.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import orjson
from markupsafe import Markup

from thoughtmill.flows.report.charts import AnyChart, compact
from thoughtmill.flows.report.plots import save_png
from thoughtmill.flows.report.story import charts, headlines
from thoughtmill.schemas.errors import LakeError
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.report.figures import Figures, gather

_HERE = Path(__file__).parent
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@dataclass(frozen=True)
class Written:
    """What a report came to."""

    page: Path
    folder: Path
    """Where the pictures are."""
    pictures: tuple[Path, ...]
    title: str
    traces: int
    """Sampled traces in the page."""


def write_report(
    lake: LakeSettings,
    out: Path,
    *,
    asked: str | None = None,
    published: Path | None = None,
    traces: int = 60,
) -> Written:
    """Write the page to `out`, and its charts as PNG to the folder of the same name without suffix.

    Raises `ConfigError` for a run or folder that is not there, `LakeError` where the disk refuses.
    """
    figures = gather(lake, asked, published=published, traces=traces)
    drawn = charts(figures)
    folder = out.with_suffix("") if out.suffix else out.with_name(out.name + "-charts")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = out.with_name(out.name + ".partial")
        partial.write_text(render(figures, drawn), encoding="utf-8")
        pictures = []
        for chart in drawn:
            target = folder / f"{chart.name}.png"
            target.unlink(missing_ok=True)
            if not chart.empty:
                save_png(chart, target)
                pictures.append(target)
        partial.replace(out)
    except OSError as exc:
        raise LakeError(f"can't write the report to {out}: {exc.strerror}") from exc
    return Written(out, folder, tuple(pictures), figures.scope.title, len(figures.sample.traces))


def render(figures: Figures, drawn: tuple[AnyChart, ...]) -> str:
    """The page as text."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["compact"] = compact
    script = (_HERE / "page.js").read_text()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html.j2").render(
        figures=figures,
        headlines=headlines(figures),
        charts={chart.name: chart for chart in drawn},
        script=Markup(script),
        script_hash=f"sha256-{digest}",
        style=Markup((_HERE / "page.css").read_text()),
        traces=as_json(figures.sample.traces),
    )


def as_json(value: Any) -> Markup:
    """JSON that may stand inside a script element whatever text is in it."""
    text = orjson.dumps(value).decode()
    for character, escape in _UNSAFE.items():
        text = text.replace(character, escape)
    return Markup(text)
