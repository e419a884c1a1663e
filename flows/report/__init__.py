"""The HTML report: figures of the lake as charts, a page and PNG files."""

from thoughtmill.flows.report.page import Written, write_report

__all__ = ["Written", "write_report"]
