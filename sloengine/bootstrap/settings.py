"""Configuration, read from the environment (``SLOENGINE_…``) once and handed on as plain values."""

from __future__ import annotations

import json
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from sloengine.domain.errors import Unavailable
from sloengine.domain.forecast.risk import DEFAULT_PROBABILITY
from sloengine.domain.topology.dependency import DiscoverySource

RUN_FILE = "run.json"


class Environment(StrEnum):
    """Where this runs."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class TelemetryKind(StrEnum):
    """What telemetry is pulled from."""

    SAMPLE = "sample"
    PROMETHEUS = "prometheus"
    NONE = "none"


def _listed(value: object) -> object:
    """``a, b`` as people write lists into the environment."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _mapped(value: object) -> object:
    """``a=b, c=d`` as people write mappings into the environment; None where nothing is written."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    if not all(key.strip() and sign and meaning.strip() for key, sign, meaning in pairs):
        raise ValueError(f"{value!r} has to look like a=b, c=d")
    return {key.strip(): meaning.strip() for key, _, meaning in pairs} or None


type Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
type TextPairs = Annotated[dict[str, str] | None, NoDecode, BeforeValidator(_mapped)]


class Settings(BaseSettings):
    """All settings, as ``SLOENGINE_<NAME>``.

    ``run.json`` in the state directory, written by a running ``up`` with these field names as keys, fills what
    the environment leaves out, so that a command in another shell finds it.
    """

    model_config = SettingsConfigDict(env_prefix="SLOENGINE_", extra="ignore", frozen=True)

    env: Environment = Environment.DEVELOPMENT
    state_dir: Path = Path(".sloengine")
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8000, ge=0, le=65535)

    neo4j_url: str | None = None
    neo4j_user: str = "neo4j"
    neo4j_password: SecretStr | None = None
    neo4j_database: str = "neo4j"
    redis_url: SecretStr | None = None
    """May hold a password."""

    telemetry: TelemetryKind | None = None
    """None: prometheus when a URL is given, else none."""
    prometheus_url: str | None = None
    prometheus_token: SecretStr | None = None
    """Sent as a bearer token."""
    prometheus_tenant: str | None = None
    """Sent as ``X-Scope-OrgID``, as Mimir wants it."""
    tempo_url: str | None = None
    """Asked about services without a latency histogram."""
    tempo_token: SecretStr | None = None
    tempo_tenant: str | None = None
    throttling_label: str = "container"
    """Label of cAdvisor's CPU metrics that carries the service's identity."""
    sample_seed: int = 7

    kubernetes_url: str | None = None
    """``in-cluster``, or the URL of an API server; discovery reads it when set."""
    kubernetes_token: SecretStr | None = None
    kubernetes_token_file: Path | None = None
    """Read again at each request, because it is replaced while it is valid."""
    kubernetes_ca_file: Path | None = None
    kubernetes_namespaces: Texts = ()
    """Empty: all but the excluded ones."""
    kubernetes_excluded_namespaces: Texts = ("kube-system", "kube-public", "kube-node-lease")
    kubernetes_name_keys: Texts = ("resource.opentelemetry.io/service.name", "app.kubernetes.io/name")
    kubernetes_team_keys: Texts = ()
    """Labels and annotations whose value is the team that decides on the service; empty: none gives a team."""
    kubernetes_teams: Texts = ()
    """The teams that these may name; empty: any."""
    kubernetes_criticality_key: str = "sloengine.dev/criticality"
    kubernetes_depends_on_key: str = "sloengine.dev/depends-on"
    kubernetes_page_size: int = Field(default=500, ge=1, le=5000)

    backstage_url: str | None = None
    """The backend's address; discovery reads its catalogue when set."""
    backstage_token: SecretStr | None = None
    """A static token of ``backend.auth.externalAccess``."""
    backstage_left_out_types: Texts = ("library", "documentation")
    """Types of components that nobody calls at run time."""
    backstage_teams: TextPairs = None
    """``group:default/web=storefront``; other groups give no team."""
    backstage_criticality_key: str = "sloengine.dev/criticality"
    backstage_criticality_tags: TextPairs = None
    """``tier-1=critical``."""

    discover_otel_minutes: int = Field(default=60, ge=0, le=10_080)
    """How often services and calls are read from service-graph metrics and Tempo; 0: on demand only."""
    discover_mesh_minutes: int = Field(default=0, ge=0, le=10_080)
    """How often Istio's and Hubble's metrics are read; 0: on demand only. Not every Prometheus has a mesh."""
    discover_k8s_minutes: int = Field(default=60, ge=0, le=10_080)
    discover_backstage_minutes: int = Field(default=60, ge=0, le=10_080)

    at_risk_probability: float = Field(default=DEFAULT_PROBABILITY, gt=0, le=1)
    """An SLO is told to be at risk from this probability on that its budget runs out."""

    dev_api_key: SecretStr | None = None
    """Accepted in development only."""

    log_level: str = "INFO"
    log_json: bool | None = None
    """None: JSON in production, text in development."""

    @property
    def telemetry_kind(self) -> TelemetryKind:
        """What telemetry is pulled from, the default worked out."""
        if self.telemetry is not None:
            return self.telemetry
        return TelemetryKind.PROMETHEUS if self.prometheus_url else TelemetryKind.NONE

    def required_redis_url(self) -> str:
        """The URL. Raises ``Unavailable``, saying where one comes from."""
        if self.redis_url is None:
            raise Unavailable(_nowhere("SLOENGINE_REDIS_URL", self.state_dir))
        return self.redis_url.get_secret_value()

    def required_neo4j(self) -> tuple[str, str, str]:
        """URL, user and password. Raises ``Unavailable``, saying where they come from."""
        if self.neo4j_url is None:
            raise Unavailable(_nowhere("SLOENGINE_NEO4J_URL", self.state_dir))
        if self.neo4j_password is None:
            raise Unavailable(_nowhere("SLOENGINE_NEO4J_PASSWORD", self.state_dir))
        return self.neo4j_url, self.neo4j_user, self.neo4j_password.get_secret_value()

    def discover_every(self) -> dict[DiscoverySource, timedelta]:
        """How often each source is read; those that are read on demand only are absent."""
        minutes = {
            DiscoverySource.OTEL: self.discover_otel_minutes,
            DiscoverySource.MESH: self.discover_mesh_minutes,
            DiscoverySource.K8S: self.discover_k8s_minutes,
            DiscoverySource.BACKSTAGE: self.discover_backstage_minutes,
        }
        return {source: timedelta(minutes=every) for source, every in minutes.items() if every}

    def prometheus_headers(self) -> dict[str, str]:
        """Tenant and token as the server wants them."""
        return _headers(self.prometheus_tenant, self.prometheus_token)

    def tempo_headers(self) -> dict[str, str]:
        """Tenant and token as the server wants them."""
        return _headers(self.tempo_tenant, self.tempo_token)

    @model_validator(mode="after")
    def _refuse_what_is_unsafe(self) -> Self:
        if self.env is Environment.PRODUCTION and self.dev_api_key is not None:
            raise ValueError(
                "SLOENGINE_DEV_API_KEY is set: the development key is never accepted in production. Unset it."
            )
        if self.telemetry is TelemetryKind.PROMETHEUS and not self.prometheus_url:
            raise ValueError("SLOENGINE_TELEMETRY=prometheus needs SLOENGINE_PROMETHEUS_URL")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments over environment over the run file."""
        return init_settings, env_settings, _RunFileSource(settings_cls, init_settings, env_settings)


def _nowhere(name: str, state_dir: Path) -> str:
    return f"{name} is not set, and nothing runs on state directory {state_dir}: set it, or start `sloengine up`"


class _RunFileSource(PydanticBaseSettingsSource):
    """What a running ``up`` wrote: addresses and secrets of its embedded servers (mode 0600)."""

    def __init__(self, settings_cls: type[BaseSettings], *earlier: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._earlier = earlier

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        state_dir = self.settings_cls.model_fields["state_dir"].default
        for source in reversed(self._earlier):
            state_dir = source().get("state_dir", state_dir)
        try:
            written = json.loads((Path(state_dir) / RUN_FILE).read_text())
        except (OSError, ValueError):
            return {}
        if not isinstance(written, dict):
            return {}
        return {
            name: value
            for name, value in written.items()
            if name in self.settings_cls.model_fields and value is not None
        }


def _headers(tenant: str | None, token: SecretStr | None) -> dict[str, str]:
    headers: dict[str, str] = {}
    if tenant:
        headers["X-Scope-OrgID"] = tenant
    if token is not None:
        headers["Authorization"] = f"Bearer {token.get_secret_value()}"
    return headers
