"""The example operations that GraphiQL offers, read from ``graphql/operations`` at run time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from graphql import OperationDefinitionNode, OperationType, parse

PACKAGE = Path(__file__).resolve().parents[2]
INSTALLED = PACKAGE / "_graphql_operations"  # where the wheel puts them
CHECKOUT = PACKAGE.parent / "graphql" / "operations"


@dataclass(frozen=True, slots=True)
class Example:
    """One file of example operations.

    ``title`` and ``description`` are its first two comment lines, ``kind`` says whether running all of it
    changes anything, ``query`` is the whole file.
    """

    name: str
    title: str
    description: str
    kind: Literal["query", "mutation"]
    query: str


def operations_folder() -> Path:
    """Where the example operations lie: in the installed package, or in the checkout.

    Raises: FileNotFoundError, if there are none.
    """
    for folder in (INSTALLED, CHECKOUT):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"no example operations in {INSTALLED} nor {CHECKOUT}")


def load_examples(folder: Path | None = None) -> list[Example]:
    """Read all examples, in the order of their file names.

    Raises: ValueError, if a file does not begin with two comment lines; GraphQLSyntaxError, if it does not
    parse.
    """
    paths = sorted((folder or operations_folder()).glob("*.graphql"))
    return [_read(path) for path in paths]


def _read(path: Path) -> Example:
    text = path.read_text(encoding="utf-8")
    comments = [line.removeprefix("#").strip() for line in text.splitlines()[:2] if line.startswith("#")]
    if len(comments) < 2 or not all(comments):
        raise ValueError(f"{path.name} must begin with two comment lines: its title and one sentence about it")
    operations = [node for node in parse(text).definitions if isinstance(node, OperationDefinitionNode)]
    changes = any(node.operation is OperationType.MUTATION for node in operations)
    return Example(
        name=path.stem.split("_", 1)[-1],
        title=comments[0],
        description=comments[1],
        kind="mutation" if changes else "query",
        query=text,
    )
