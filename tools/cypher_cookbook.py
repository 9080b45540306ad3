"""Write the questions of ``cypher/analysis`` into ``docs/cypher.md``; ``--check`` says whether they are there.

Run as ``python -m tools.cypher_cookbook``.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "cypher.md"
QUESTIONS = ROOT / "cypher" / "analysis"
MARK = "<!-- Below this line the page is made from cypher/analysis by `python -m tools.cypher_cookbook`. -->\n"


def question(file: Path) -> str:
    """One file as a section: its first sentence is the heading, the rest of the comment the text."""
    lines = file.read_text(encoding="utf-8").splitlines()
    comment = [line.removeprefix("//").strip() for line in lines if line.startswith("//")]
    code = "\n".join(line for line in lines if not line.startswith("//"))
    heading, _, rest = " ".join(comment).partition("? ")
    return f"### {heading}?\n\n{rest}\n\n`cypher/analysis/{file.name}`\n\n```cypher\n{code}\n```\n"


def page(current: str) -> str:
    """The page with its lower part made anew."""
    head, mark, _ = current.partition(MARK)
    if not mark:
        raise ValueError(f"{PAGE} lacks the line {MARK!r}")
    return head + MARK + "\n" + "\n".join(question(file) for file in sorted(QUESTIONS.glob("*.cypher")))


def main(arguments: list[str]) -> int:
    """0: the page is as it should be by now; 1: it was not, and ``--check`` left it so."""
    current = PAGE.read_text(encoding="utf-8")
    wanted = page(current)
    if current == wanted:
        return 0
    if "--check" in arguments:
        sys.stderr.write("docs/cypher.md is out of date: run `python -m tools.cypher_cookbook`\n")
        return 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
