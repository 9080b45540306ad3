"""Where the API server is and how to show who asks."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from sloengine.domain.errors import Unavailable

IN_CLUSTER = "in-cluster"
"""In place of a URL: the API server of the cluster that this process runs in."""
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class KubernetesAccess:
    """An API server. ``token``: the bearer token as it is now, None without one; asked before every request.

    ``ca_file`` None: the certificates that the operating system trusts.
    """

    url: str
    token: Callable[[], str | None]
    ca_file: Path | None = None

    def verification(self) -> ssl.SSLContext:
        """What the server's certificate is checked with. Raises ``Unavailable`` when the CA cannot be read."""
        try:
            context = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        except OSError as error:
            raise Unavailable(f"the CA of Kubernetes in {self.ca_file} cannot be read: {error}") from error
        # Python 3.13 began to refuse CAs without a key identifier, which clusters older than that have.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context


def kubernetes_access(
    url: str,
    *,
    token: str | None = None,
    token_file: Path | None = None,
    ca_file: Path | None = None,
    environment: Mapping[str, str],
    service_account: Path = _SERVICE_ACCOUNT,
) -> KubernetesAccess:
    """The API server that ``url`` means; ``in-cluster`` means that of the pod's own cluster.

    In a cluster, address and port come from ``KUBERNETES_SERVICE_HOST`` and ``_PORT`` of ``environment``, token
    and CA from the service account's folder, unless stated. A token file is read again at each request: the
    kubelet replaces it within the hour. Source: kubernetes.io, "Accessing the Kubernetes API from a Pod".
    Raises: Unavailable, when there is no such place, or a token would travel in the clear.
    """
    if url == IN_CLUSTER:
        host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT", "443")
        if not host:
            raise Unavailable(
                "SLOENGINE_KUBERNETES_URL=in-cluster, but this is no pod: KUBERNETES_SERVICE_HOST is not set."
                " Name the API server's URL instead"
            )
        url = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
        token_file = token_file or (None if token else service_account / "token")
        ca_file = ca_file or service_account / "ca.crt"
    address = urlsplit(url)
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise Unavailable(
            f"SLOENGINE_KUBERNETES_URL is {url!r}; it has to be {IN_CLUSTER}, or to begin with https://"
        )
    if address.scheme == "http" and (token or token_file) and address.hostname not in _LOOPBACK:
        raise Unavailable(
            f"the token is not sent to {url} in the clear: use https, or `kubectl proxy` without a token"
        )
    return KubernetesAccess(url.rstrip("/"), _token_source(token, token_file), ca_file)


def _token_source(token: str | None, token_file: Path | None) -> Callable[[], str | None]:
    if token_file is None or token:
        return lambda: token or None

    def from_file() -> str | None:
        try:
            return token_file.read_text().strip() or None
        except OSError as error:
            raise Unavailable(
                f"the service account's token in {token_file} cannot be read: {error.strerror}."
                " Does the pod mount one (automountServiceAccountToken)?"
            ) from error

    return from_file


class BearerToken(httpx.Auth):
    """Puts the token of the moment on each request."""

    def __init__(self, token: Callable[[], str | None]) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """One request, no challenge."""
        token = self._token()
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        yield request
