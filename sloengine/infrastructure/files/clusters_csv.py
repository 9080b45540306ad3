"""``service,cluster``: which services share a site, an organisation or whatever else makes them fail together."""

from __future__ import annotations

from pathlib import Path

from sloengine.infrastructure.files.problems import Complaints
from sloengine.infrastructure.files.table import open_table, require_columns

_ALIASES = dict.fromkeys(("site", "organisation", "organization", "group", "zone"), "cluster")


def read_clusters(path: Path) -> dict[str, str]:
    """Cluster of each service; other columns are ignored.

    The column may also be called site, organisation, group or zone. Raises ``FileProblem`` with line numbers.
    """
    complaints = Complaints(path)
    found: dict[str, str] = {}
    with open_table(path, complaints, _ALIASES) as table:
        require_columns(table, ("service", "cluster"), complaints)
        for chunk in table.chunks:
            rows = zip(chunk.columns["service"], chunk.columns["cluster"], chunk.lines.tolist(), strict=True)
            for service, cluster, line in rows:
                service_id, name = service.strip(), cluster.strip()
                if not service_id or not name:
                    complaints.add(line, "service or cluster is empty")
                elif found.setdefault(service_id, name) != name:
                    complaints.add(line, f"{service_id} is in cluster {found[service_id]!r} already")
    complaints.raise_if_any()
    return found
