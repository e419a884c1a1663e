"""The reference says what the code declares."""

from __future__ import annotations

import pytest
import yaml

from thoughtmill.flows.cli import reference
from thoughtmill.flows.cli.reference import FAMILIES, REFERENCE, SCHEMA, members, pages, schema
from thoughtmill.schemas.errors import ConfigError


@pytest.mark.parametrize("page", ["config.md", "lake.md", "commands.md", "layouts.md"])
def test_page_when_made_anew_then_it_is_the_one_that_is_committed(page):
    assert (REFERENCE / page).read_text() == pages()[page], "stale: run `make reference`"


def test_schema_when_made_anew_then_it_is_the_one_that_is_committed():
    assert SCHEMA.read_text() == schema(), "stale: run `make reference`"


@pytest.mark.parametrize("family", FAMILIES)
def test_kinds_when_declared_then_every_key_has_a_meaning(family):
    for kind, model in members(family).items():
        assert (model.__doc__ or "").strip(), kind
        for name, field in model.model_fields.items():
            assert name == "kind" or field.description, f"{family} {kind}: {name} says nothing"
        assert f"{family} `{kind}`" in reference.kinds(kind)


def test_kinds_when_the_kind_is_not_there_then_the_error_lists_what_is():
    with pytest.raises(ConfigError, match="code_integrated"):
        reference.kinds("thinkng")


def test_schema_when_a_config_names_it_then_the_file_is_there():
    for config in sorted((SCHEMA.parents[1] / "runs").glob("*.yaml")):
        line = next(x for x in config.read_text().splitlines() if "$schema=" in x)
        assert (config.parent / line.split("$schema=")[1]).resolve() == SCHEMA.resolve()
        assert yaml.safe_load(config.read_text())
