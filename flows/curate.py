"""Flow `curate`: screens over the lake's traces, and what they excluded as a table."""

from __future__ import annotations

from prefect import flow
from rich.console import Console
from rich.table import Table

from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.tasks.curation.stage import CurateSettings
from thoughtmill.tasks.stages.flow_tasks import curate_stage
from thoughtmill.tasks.stages.stage import StageSummary
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.runs import new_run_id


@flow(name="curate", validate_parameters=True)
def curate(
    lake: LakeSettings,
    settings: CurateSettings,
    name: str = "curate",
    run_id: str | None = None,
) -> StageSummary:
    """Screen the traces that fit; the screens of the newest run of each `name` are in force.

    A screen that has been through a trace does not look at it again; nothing is deleted.
    """
    return curate_stage(lake, settings, run_id or new_run_id(name), name)


def print_exclusions(settings: LakeSettings, summary: StageSummary) -> None:
    """What the screens in force exclude, and how much of it this run found."""
    with Lake.open(settings) as lake:
        counts = lake.rows("SELECT screen, reason, traces FROM exclusion_counts WHERE in_force")
        ((traces, eligible),) = lake.rows(
            "SELECT (SELECT count(*) FROM traces), (SELECT count(*) FROM eligible)"
        )
    table = Table("screen", "reason", "excluded", title="exclusions", title_justify="left")
    for screen, reason, excluded in counts:
        table.add_row(screen, reason, f"{excluded:,}")
    console = Console()
    console.print(table, markup=False)
    console.print(
        f"{eligible:,} of {traces:,} traces are eligible; "
        f"{summary.rows.get('exclusions', 0):,} exclusions are new, {summary.seconds:,.0f} s"
    )
