from __future__ import annotations

import urllib.request

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from thoughtmill.flows.cli.local_api import local_api
from thoughtmill.schemas.errors import ConfigError

NOBODY = "http://127.0.0.1:9/api"


@pytest.mark.parametrize("there", ["", "intranet.example.com, 127.0.0.1"])
def test_local_api_when_a_proxy_is_set_then_loopback_is_reached_without_it(monkeypatch, there):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", there)
    asked = temporary_settings({PREFECT_API_URL: NOBODY})
    with asked, pytest.raises(ConfigError, match=f"no Prefect API at {NOBODY}"), local_api():
        pass
    for host in ("127.0.0.1", "localhost"):
        assert urllib.request.proxy_bypass_environment(host)
    assert bool(urllib.request.proxy_bypass_environment("intranet.example.com")) == bool(there)
