"""Where the API server is, and that no token leaks or goes stale."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
import pytest

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.kubernetes.access import IN_CLUSTER, BearerToken, kubernetes_access

STATED = "stated"
POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}


@pytest.fixture
def account(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("first\n")
    (tmp_path / "ca.crt").write_text("not yet a certificate")
    return tmp_path


def test_a_pod_finds_its_own_cluster(account):
    access = kubernetes_access(IN_CLUSTER, environment=POD, service_account=account)

    assert access.url == "https://10.0.0.1:6443"
    assert access.ca_file == account / "ca.crt"


def test_an_address_of_ip_version_6_is_bracketed(account):
    access = kubernetes_access(
        IN_CLUSTER, environment={"KUBERNETES_SERVICE_HOST": "fd00::1"}, service_account=account
    )

    assert access.url == "https://[fd00::1]:443"


def test_a_rotated_token_is_sent_from_then_on(account):
    auth = BearerToken(kubernetes_access(IN_CLUSTER, environment=POD, service_account=account).token)

    def sent() -> str:
        return next(auth.auth_flow(httpx.Request("GET", "https://x"))).headers["Authorization"]

    assert sent() == "Bearer first"
    (account / "token").write_text("second")
    assert sent() == "Bearer second"


def test_a_stated_token_and_ca_win_over_the_pods_own(account):
    ca = account / "other.crt"
    access = kubernetes_access(IN_CLUSTER, token=STATED, ca_file=ca, environment=POD, service_account=account)

    assert (access.token(), access.ca_file) == (STATED, ca)


def test_a_pod_without_a_token_is_told_what_mounts_one(tmp_path):
    access = kubernetes_access(IN_CLUSTER, environment=POD, service_account=tmp_path)

    with pytest.raises(Unavailable, match="automountServiceAccountToken"):
        access.token()


def test_outside_of_a_cluster_there_is_none():
    with pytest.raises(Unavailable, match="this is no pod"):
        kubernetes_access(IN_CLUSTER, environment={})


@pytest.mark.parametrize("url", ["kubernetes", "ftp://x", "https://"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(Unavailable, match="SLOENGINE_KUBERNETES_URL"):
        kubernetes_access(url, environment={})


def test_no_token_travels_in_the_clear():
    with pytest.raises(Unavailable, match="in the clear"):
        kubernetes_access("http://kube.example:8080", token=STATED, environment={})
    assert kubernetes_access("http://kube.example:8080", environment={}).token() is None
    assert kubernetes_access("http://127.0.0.1:8001", token=STATED, environment={}).token() == STATED


def test_a_ca_that_cannot_be_read_is_named(account):
    with pytest.raises(Unavailable, match=r"ca\.crt cannot be read"):
        kubernetes_access(IN_CLUSTER, environment=POD, service_account=account).verification()


def test_certificates_are_checked():
    context = kubernetes_access("https://kube.example", environment={}).verification()

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
