"""Call graphs of three open-source applications, as edge lists: ``python -m tools.topologies OUT_DIR``."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from sloengine.infrastructure.files.output import open_for_writing
from tools.real_data import convert_from_command_line

CREDIT = (
    "Data: read from the manifests and sources of open-telemetry/opentelemetry-demo (054282e3), "
    "GoogleCloudPlatform/microservices-demo (34ffea91) and FudanSELab/train-ticket (813dd01e), Apache-2.0."
)


def convert(source: Path, out_dir: Path) -> list[Path]:
    """Write one ``<application>.edges.csv`` each: caller, dependency, kind; reading drops what is no call."""
    written = []
    for path in sorted(source.glob("*.edges.csv")):
        target = out_dir / path.name
        with path.open(encoding="utf-8", newline="") as file, open_for_writing(target) as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(("caller", "dependency", "kind"))
            writer.writerows((row["source"], row["target"], row["kind"]) for row in csv.DictReader(file))
        written.append(target)
    return written


def main() -> int:
    """Convert from the command line."""
    return convert_from_command_line("topologies", "topologies", CREDIT, convert)


if __name__ == "__main__":
    sys.exit(main())
