"""A real kube-apiserver on a real etcd, both on 127.0.0.1; ``scripts/build_kube_apiserver`` makes the binaries.

There is no controller manager and no scheduler: objects are stored and listed, and nothing runs. Discovery needs
no more. Who may do what is decided by RBAC, as in a cluster.
"""

from __future__ import annotations

import base64
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sloengine.infrastructure.embedded.child_process import ChildProcess, wait_until
from sloengine.infrastructure.embedded.free_port import LOOPBACK, free_port
from sloengine.infrastructure.kubernetes.objects import RESOURCES

ADMIN, VIEWER, STRANGER = "admin-token", "viewer-token", "stranger-token"
"""Viewer and stranger are users without any permission; a test gives the viewer some."""
BINARIES = ("kube-apiserver", "etcd")


@dataclass(frozen=True, slots=True)
class RunningApiServer:
    url: str
    ca_file: Path
    etcd_url: str

    def request(self, method: str, path: str, body: Any = None, token: str = ADMIN) -> Any:
        """Asks as the admin, unless told otherwise; fails on anything but success."""
        answer = httpx.request(
            method,
            self.url + path,
            json=body,
            headers={"Authorization": f"Bearer {token}"},
            verify=ssl.create_default_context(cafile=str(self.ca_file)),
            timeout=60,
        )
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def create(self, *objects: dict[str, Any]) -> None:
        for item in objects:
            plural = item["kind"].lower() + "s"
            version = item["apiVersion"]
            root = f"/apis/{version}" if "/" in version else f"/api/{version}"
            namespace = item["metadata"].get("namespace")
            self.request("POST", f"{root}/{f'namespaces/{namespace}/' if namespace else ''}{plural}", item)

    def token_of(self, account: str, namespace: str = "default") -> str:
        """A token of the TokenRequest API, as the kubelet mounts it into pods."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 600},
        }
        return str(self.request("POST", path, body)["status"]["token"])

    def wait_until_allowed(self, token: str, namespace: str | None = None) -> None:
        """The API server hears of new roles a moment after they are stored."""

        def allowed() -> bool:
            try:
                return all(self.request("GET", resource.path(namespace), token=token) for resource in RESOURCES)
            except AssertionError:
                return False

        assert wait_until(allowed, lambda: True, 20), f"may not list {[r.plural for r in RESOURCES]}"

    def forget_the_past(self) -> None:
        """What happens by itself within minutes: etcd lets go of all but the newest revision.

        An API server with a cache goes on serving what it remembers, until it restarts or another one answers.
        """
        everything = {"key": base64.b64encode(b"/").decode(), "limit": 1}
        read = httpx.post(f"{self.etcd_url}/v3/kv/range", json=everything).raise_for_status().json()
        revision = {"revision": read["header"]["revision"], "physical": True}
        httpx.post(f"{self.etcd_url}/v3/kv/compaction", json=revision).raise_for_status()


@contextmanager
def running(home: Path, *options: str) -> Iterator[RunningApiServer]:
    """``options``: more of kube-apiserver's."""
    etcd, peers, port = free_port(), free_port(), free_port()
    store = f"http://{LOOPBACK}:{etcd}"
    peer = f"http://{LOOPBACK}:{peers}"
    key = home / "sa.key"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    (home / "tokens.csv").write_text(
        f'{ADMIN},admin,u1,"system:masters"\n{VIEWER},viewer,u2\n{STRANGER},stranger,u3\n'
    )
    started: list[ChildProcess] = []
    try:
        for name, arguments in {
            "etcd": [
                f"--data-dir={home / 'etcd'}",
                f"--listen-client-urls={store}",
                f"--advertise-client-urls={store}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
            ],
            "kube-apiserver": [
                f"--etcd-servers={store}",
                f"--bind-address={LOOPBACK}",
                f"--advertise-address={LOOPBACK}",
                f"--secure-port={port}",
                f"--cert-dir={home / 'certs'}",
                "--service-cluster-ip-range=10.0.0.0/24",
                "--authorization-mode=RBAC",
                f"--token-auth-file={home / 'tokens.csv'}",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={key}",
                f"--service-account-signing-key-file={key}",
                "--disable-admission-plugins=ServiceAccount",
                "--endpoint-reconciler-type=none",
                *options,
            ],
        }.items():
            child = ChildProcess(name, home, home / f"{name}.log")
            started.append(child)
            child.start([str(shutil.which(name)), *arguments])
        server = RunningApiServer(f"https://{LOOPBACK}:{port}", home / "certs" / "apiserver.crt", store)
        ready = wait_until(lambda: _ready(server), lambda: started[-1].exit_code() is None, 120)
        assert ready, f"kube-apiserver does not answer:\n{started[-1].tail()}"
        yield server
    finally:
        for child in reversed(started):
            child.stop(20)


def _ready(server: RunningApiServer) -> bool:
    """It answers, and has made the Service of its own that every cluster has."""
    try:
        own = "/api/v1/namespaces/default/services/kubernetes"
        return bool(server.ca_file.exists() and server.request("GET", own))
    except (httpx.HTTPError, AssertionError, OSError):
        return False
