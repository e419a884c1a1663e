"""The files of `deploy/` parse, name what exists, and agree with the lock and with each other."""

from __future__ import annotations

import os
import re
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.flows import Flow

from thoughtmill.flows.config import load_config
from thoughtmill.tasks.runtime.environment import PRIVATE, QUIET

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
SECRET = re.compile(r"PASS|PASSWORD|SECRET|TOKEN|KEY")


def test_yaml_when_parsed_then_each_file_opens_with_what_it_is_for() -> None:
    files = sorted(DEPLOY.rglob("*.yaml"))
    assert len(files) >= 8
    for file in files:
        assert yaml.safe_load(file.read_text()), file
        assert file.read_text().startswith("# "), file


def test_deployments_when_read_then_entry_points_and_parameters_fit_the_flow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    deployments = _yaml("prefect.yaml")["deployments"]
    assert [deployment["name"] for deployment in deployments] == ["nightly", "adhoc"]
    # Prefect's own log stays as it is: it is what the UI shows.
    environment = {**PRIVATE, **QUIET}
    del environment["PREFECT_LOGGING_LEVEL"]
    for deployment in deployments:
        module, _, name = deployment["entrypoint"].rpartition(".")
        flow = getattr(import_module(module), name)
        assert isinstance(flow, Flow)
        parameters = flow.validate_parameters(deployment["parameters"])
        assert load_config(parameters["config"], parameters["overrides"], limit=1).sources
        assert deployment["work_pool"]["job_variables"]["env"] == environment
    scheduled, adhoc = deployments
    assert [schedule["active"] for schedule in scheduled["schedules"]] == [True]
    assert adhoc["schedules"] == []


@pytest.mark.parametrize(
    ("home", "expected"), [(None, "/srv/deployed"), ("/srv/worker", "/srv/worker")]
)
def test_pull_step_when_worker_has_a_home_then_it_wins_over_the_folder_deployed_from(
    home: str | None, expected: str
) -> None:
    first, last = _yaml("prefect.yaml")["pull"]
    (step,) = first.values()
    assert step["env"] == {"DEPLOYED_FROM": "{{ here.stdout }}"}
    assert last == {
        "prefect.deployments.steps.set_working_directory": {"directory": "{{ home.stdout }}"}
    }
    environment = {"PATH": os.environ["PATH"], "DEPLOYED_FROM": "/srv/deployed"}
    if home is not None:
        environment["THOUGHTMILL_HOME"] = home
    done = subprocess.run(
        ["sh", "-c", step["script"]], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected


def test_run_config_when_loaded_then_its_lake_is_in_postgres_and_s3(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    config = load_config(DEPLOY / "run.yaml")
    assert config.lake.catalog.startswith("postgres:")
    assert "password" not in config.lake.catalog
    # The address is the environment's: one config for compose and for Kubernetes.
    assert "host" not in config.lake.catalog
    assert _yaml("kubernetes/settings.yaml")["data"]["PGHOST"]
    worker = _yaml("compose.yaml")["services"]["worker"]
    assert worker["environment"]["PGHOST"] in _yaml("compose.yaml")["services"]
    assert config.lake.data.startswith("s3://")


def test_compose_when_read_then_files_exist_and_nothing_holds_a_password() -> None:
    compose = _yaml("compose.yaml")
    services = compose["services"]
    for name, service in services.items():
        build = service.get("build")
        if build:
            context = DEPLOY / build["context"]
            assert (context / build["dockerfile"]).samefile(DEPLOY / "Dockerfile")
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            here = source.startswith(".")
            assert (DEPLOY / source).is_file() if here else source in compose["volumes"], volume
        for needed in service.get("depends_on", ()):
            assert needed in services, name
        for key, value in service.get("environment", {}).items():
            assert not SECRET.search(key) or "${" in value or key == "AWS_ACCESS_KEY_ID", key
    assert services["worker"]["command"][-4:] == ["--pool", "thoughtmill", "--type", "process"]


def test_image_when_read_then_it_copies_what_exists_and_stays_private() -> None:
    lines = (DEPLOY / "Dockerfile").read_text()
    for sources in re.findall(r"^COPY (?:--\S+ )*(.+) \S+$", lines, flags=re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
    for name, value in PRIVATE.items():
        assert f"{name}={value}" in lines
    assert (DEPLOY / "Dockerfile.dockerignore").is_file()
    (minor,) = set(re.findall(r"^FROM python:(\d+\.\d+)-slim", lines, flags=re.MULTILINE))
    assert f"# Python {minor}," in (ROOT / "requirements/cpu.lock").read_text()
    torch = re.search(r"^ARG TORCH=(\S+)$", lines, flags=re.MULTILINE)
    assert torch
    assert f"TORCH := {torch[1]}\n" in (ROOT / "Makefile").read_text()


def test_kubernetes_when_read_then_it_pins_the_ray_of_the_lock() -> None:
    ray = re.search(r"^ray==(.+)$", (ROOT / "requirements/cpu.lock").read_text(), re.MULTILINE)
    assert ray
    cluster = _yaml("kubernetes/ray-cluster.yaml")
    assert cluster["spec"]["rayVersion"] == ray[1]
    job = _yaml("kubernetes/ray-job.yaml")
    assert job["spec"]["clusterSelector"] == {"ray.io/cluster": cluster["metadata"]["name"]}
    worker = _yaml("kubernetes/prefect-worker.yaml")
    (container,) = worker["spec"]["template"]["spec"]["containers"]
    settings = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert settings["RAY_HEAD"] == f"{cluster['metadata']['name']}-head-svc:6379"


def test_kubernetes_when_read_then_secrets_are_references_and_resources_exist() -> None:
    for resource in _yaml("kubernetes/kustomization.yaml")["resources"]:
        assert (KUBERNETES / resource).is_file()
    for file in KUBERNETES.glob("*.yaml"):
        document = _yaml(f"kubernetes/{file.name}")
        assert document.get("kind") != "Secret"
        for container in _containers(document):
            assert container["image"].startswith("thoughtmill:")
            assert {"secretRef": {"name": "thoughtmill-passwords"}} in container["envFrom"]
            for entry in container.get("env", ()):
                assert not SECRET.search(entry["name"]) or "valueFrom" in entry, entry["name"]


def test_readme_when_read_then_the_files_it_names_exist() -> None:
    text = (DEPLOY / "README.md").read_text()
    for path in re.findall(r"\b(?:deploy|configs|requirements)/[\w./-]+\w", text):
        assert (ROOT / path).exists(), path


def _yaml(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


def _containers(node: Any) -> list[dict[str, Any]]:
    """All containers anywhere in a manifest."""
    if isinstance(node, list):
        return [found for child in node for found in _containers(child)]
    if not isinstance(node, dict):
        return []
    own = node.get("containers", [])
    return [*own, *(found for child in node.values() for found in _containers(child))]
