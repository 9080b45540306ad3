"""The chart lints, renders, and what it renders is valid Kubernetes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "sloengine"
TARGET = ("--kube-version", "1.34.0", "-f", str(CHART / "ci-values.yaml"))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def helm() -> str:
    found = shutil.which("helm")
    if found is None:
        pytest.fail("no helm on PATH: scripts/build_helm makes one")
    return found


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def rendered(helm: str, *options: str) -> list[dict]:
    made = run(helm, "template", "release", str(CHART), *TARGET, *options)
    assert made.returncode == 0, made.stderr
    return [document for document in yaml.safe_load_all(made.stdout) if document]


def test_the_chart_lints_strictly(helm):
    linted = run(helm, "lint", "--strict", *TARGET, str(CHART))

    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--set", "ingress.enabled=true", "--set", "ingress.tlsSecret=tls"),
        ("--set", "environment=development"),
    ],
    ids=["default", "ingress", "development"],
)
def test_what_is_rendered_is_valid(helm, tmp_path, options):
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(yaml.safe_dump_all(rendered(helm, *options)))

    checked = run(str(Path(sys.executable).parent / "kubernetes-validate"), "--strict", str(manifests))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_wrong_values_are_refused_by_name(helm):
    refused = run(helm, "template", "release", str(CHART), "--set", "environment=staging")

    assert refused.returncode != 0
    assert "environment" in refused.stderr
    assert "existingSecret" in refused.stderr


def test_every_pod_runs_without_privileges(helm):
    pods = [d["spec"]["template"]["spec"] for d in rendered(helm) if d["kind"] in {"Deployment", "Job"}]

    assert len(pods) == 4
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_development_key_is_not_offered_in_production(helm):
    text = yaml.safe_dump_all(rendered(helm))

    assert "SLOENGINE_DEV_API_KEY" not in text
