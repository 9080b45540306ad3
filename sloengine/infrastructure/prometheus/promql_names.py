"""Names of metrics and labels in PromQL.

Those that are not of letters, digits and underscores, such as OpenTelemetry's ``service.name`` where a server
keeps them, are written in quotes, a metric's inside the braces.
Source: prometheus.io/docs/guides/utf8, "Querying".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_PLAIN = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def quoted(value: str) -> str:
    """A PromQL string literal."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def is_plain(name: str) -> bool:
    """Whether every server takes this name of a metric or label, without quotes.

    >>> is_plain("http_requests_total"), is_plain("service.name"), is_plain("5xx")
    (True, False, False)
    """
    return _PLAIN.fullmatch(name) is not None


def name(label: str) -> str:
    """A label's name as PromQL writes it.

    >>> name("service_name"), name("service.name")
    ('service_name', '"service.name"')
    """
    return label if is_plain(label) and ":" not in label else quoted(label)


def names(labels: Iterable[str]) -> str:
    """Labels of an aggregation.

    >>> names(["job", "service.name"])
    'job, "service.name"'
    """
    return ", ".join(name(label) for label in labels)


def selector(metric: str, matchers: Iterable[str]) -> str:
    """Series of a metric. ``matchers``: as PromQL writes them; empty ones are left out.

    >>> selector("up", ['job="a"', ""]), selector("http.server.duration", ['job="a"'])
    ('up{job="a"}', '{"http.server.duration",job="a"}')
    """
    inside = [part for part in matchers if part]
    if is_plain(metric):
        return f"{metric}{{{','.join(inside)}}}"
    return f"{{{','.join([quoted(metric), *inside])}}}"
