"""Print the schema as GraphQL SDL: ``python -m sloengine.api.print_schema [FILE]``."""

from __future__ import annotations

import sys
from pathlib import Path

from sloengine.api.schema import schema


def schema_text() -> str:
    """The SDL as it stands in ``graphql/schema.graphql``."""
    return schema.as_str().rstrip("\n") + "\n"


def main(arguments: list[str]) -> None:
    """Write to the file that is named, else to standard output."""
    if arguments:
        Path(arguments[0]).write_text(schema_text(), encoding="utf-8")
    else:
        sys.stdout.write(schema_text())


if __name__ == "__main__":
    main(sys.argv[1:])
