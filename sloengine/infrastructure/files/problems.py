"""What is wrong with a file, line by line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sloengine.domain.errors import Invalid

SHOWN_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class LineProblem:
    """One complaint. ``line`` counts from 1, the header included; None: the file as a whole."""

    line: int | None
    message: str

    def __str__(self) -> str:
        """As ``line 7: good is not a number: 'x'``."""
        return self.message if self.line is None else f"line {self.line}: {self.message}"


@dataclass(eq=False)
class FileProblem(Invalid):
    """A file that cannot be used. ``problems`` holds the first ones by line, ``problem_count`` counts all."""

    file: str = field(default="", kw_only=True)
    problems: tuple[LineProblem, ...] = field(default=(), kw_only=True)
    problem_count: int = field(default=0, kw_only=True)


class Complaints:
    """Collects the problems of one file; keeps the first few, counts all."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.count = 0
        self._kept: list[LineProblem] = []

    def add(self, line: int | None, message: str) -> None:
        """Note a problem."""
        self.add_many([line], message)

    def add_many(self, lines: list[int] | list[int | None], message: str) -> None:
        """Note the same problem on several lines."""
        self.count += len(lines)
        self._kept.extend(LineProblem(line, message) for line in lines[:SHOWN_PROBLEMS])

    @property
    def kept(self) -> tuple[LineProblem, ...]:
        """The problems to show, by line."""
        return tuple(sorted(self._kept, key=lambda problem: problem.line or 0)[:SHOWN_PROBLEMS])

    def raise_if_any(self) -> None:
        """Raise ``FileProblem`` when something was noted."""
        if not self.count:
            return
        kept = self.kept
        shown = "\n".join(f"  {problem}" for problem in kept)
        rest = f"\n  … and {self.count - len(kept)} more" if self.count > len(kept) else ""
        noun = "problem" if self.count == 1 else "problems"
        raise FileProblem(
            f"{self.file}: {self.count} {noun}\n{shown}{rest}",
            file=str(self.file),
            problems=kept,
            problem_count=self.count,
        )

    def fail(self, line: int | None, message: str) -> FileProblem:
        """The error for a problem that ends the reading at once."""
        self.add(line, message)
        try:
            self.raise_if_any()
        except FileProblem as problem:
            return problem
        raise AssertionError("unreachable: a problem was just added")
