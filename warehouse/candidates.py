"""What a screen reads: candidate traces as Arrow, in pieces, all from one snapshot of the lake."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from thoughtmill.schemas.errors import ConfigError, LakeError
from thoughtmill.warehouse.extensions import first_line
from thoughtmill.warehouse.lake import SQL, Lake

CHUNK_ROWS = 4096
_MEMORY = "2GB"
_TERMS = {
    "correct": "CASE j.outcome WHEN 'correct' THEN 0 WHEN 'incorrect' THEN 2 ELSE 1 END",
    "shorter": "c.characters",
    "longer": "c.characters DESC",
}
_SCORED = re.compile(r"(high|low):(.+)", re.DOTALL)
PREFERENCE = r"^(correct|shorter|longer|(high|low):.+)$"
"""A term of an order of preference: `high:NAME` and `low:NAME` name a score."""


@dataclass
class Candidates:
    """The traces a screen considers; `choose` reads them off the lake, `chunks` their texts.

    The lake is open for reading, for this screen alone: its connection stays in one transaction.
    """

    lake: Lake
    count: int
    fresh: int
    """Those this screen has not looked at yet."""

    @classmethod
    def choose(
        cls,
        lake: Lake,
        *,
        lane: str,
        screen: str,
        where: str = "true",
        before: Sequence[str] = (),
        best: Sequence[str] = (),
    ) -> Candidates:
        """Candidates that fit `where` and that the screens `before` do not object to.

        `best` orders them by preference, ties by trace id.  Raises `ConfigError` for a predicate
        DuckDB refuses.
        """
        values: dict[str, object] = {"lane": lane, "screen": screen, "before": list(before)}
        terms = [_term(text, number, values) for number, text in enumerate(best)]
        sql = (SQL / "choose_candidates.sql").read_text().replace("{where}", where)
        connection = lake.connection
        connection.execute("SET memory_limit = ?", [_MEMORY])
        try:
            connection.execute("BEGIN")
            connection.execute(sql.replace("{best}", ", ".join([*terms, "c.trace_id"])), values)
            ((count, fresh),) = lake.rows("SELECT count(*), count_if(fresh) FROM temp.screened")
        except duckdb.IOException as exc:
            raise LakeError(f"can't read the lake: {first_line(exc)}") from exc
        except duckdb.Error as exc:
            raise ConfigError(f"curate.where: DuckDB refuses {where!r}: {first_line(exc)}") from exc
        return cls(lake, count, fresh)

    def chunks(self, *, only_fresh: bool = False) -> Iterator[pa.RecordBatch]:
        """The candidates' texts (columns of read_candidates.sql), in no particular order."""
        sql = (SQL / "read_candidates.sql").read_text()
        # Not by way of a relation: with bound values it would hold all texts in memory first.
        found = self.lake.connection.execute(sql, {"only_fresh": only_fresh})
        for batch in found.to_arrow_reader(CHUNK_ROWS):
            if batch.num_rows:
                yield batch

    def places(self) -> pa.Table:
        """`trace_id`, `leader`, `fresh` and `held` of all candidates, in order of place."""
        return self.lake.connection.sql(
            "SELECT trace_id, leader, fresh, held FROM temp.screened ORDER BY place"
        ).to_arrow_table()


def _term(text: str, number: int, values: dict[str, object]) -> str:
    """A term of the order in SQL; the name of a score becomes a bound value."""
    scored = _SCORED.fullmatch(text)
    if scored is None:
        return _TERMS[text]
    values[f"scorer{number}"] = scored[2]
    direction = "DESC" if scored[1] == "high" else "ASC"
    value = (
        "(SELECT max(s.value) FROM scores AS s "
        f"WHERE s.trace_id = c.trace_id AND s.scorer = $scorer{number})"
    )
    return f"{value} {direction} NULLS LAST"
