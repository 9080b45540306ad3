"""The chart lints, renders, and what it renders is valid Kubernetes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sloengine.infrastructure.kubernetes.objects import RESOURCES

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
        ("--set", "kubernetes.discovery=true", "--set", "backstage.url=https://backstage.example.org"),
        ("--set", "kubernetes.discovery=true", "--set", "kubernetes.namespaces={shop,pay}"),
    ],
    ids=["default", "ingress", "development", "discovery", "discovery of two namespaces"],
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


def test_discovery_is_off_and_no_pod_has_a_token(helm):
    documents = rendered(helm)

    assert not {d["kind"] for d in documents} & {"ServiceAccount", "Role", "ClusterRole"}
    assert "SLOENGINE_KUBERNETES_URL" not in yaml.safe_dump_all(documents)


@pytest.mark.parametrize("namespaces", [(), ("shop", "pay")], ids=["cluster", "namespaces"])
def test_discovery_may_list_what_it_reads_and_nothing_else(helm, namespaces):
    options = ("--set", f"kubernetes.namespaces={{{','.join(namespaces)}}}") if namespaces else ()
    documents = rendered(helm, "--namespace", "engine", "--set", "kubernetes.discovery=true", *options)

    kind = "Role" if namespaces else "ClusterRole"
    roles = [d for d in documents if d["kind"] in {"Role", "ClusterRole"}]
    bindings = [d for d in documents if d["kind"] in {"RoleBinding", "ClusterRoleBinding"}]
    account = next(d for d in documents if d["kind"] == "ServiceAccount")["metadata"]["name"]
    assert [role["metadata"].get("namespace") for role in roles] == list(namespaces or (None,))
    for role, binding in zip(roles, bindings, strict=True):
        assert role["kind"] == kind
        assert {
            (group, resource, verb)
            for rule in role["rules"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
        } == {(resource.group, resource.plural, "list") for resource in RESOURCES}
        assert binding["roleRef"]["name"] == role["metadata"]["name"]
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": "engine"}]


def test_only_who_reads_the_cluster_gets_a_token(helm):
    pods = {
        document["metadata"]["name"].rsplit("-", 1)[-1]: document["spec"]["template"]["spec"]
        for document in rendered(helm, "--set", "kubernetes.discovery=true")
        if document["kind"] in {"Deployment", "Job"}
    }

    assert {name for name, pod in pods.items() if pod["automountServiceAccountToken"]} == {"api", "worker"}
    assert {name for name, pod in pods.items() if "serviceAccountName" in pod} == {"api", "worker"}
