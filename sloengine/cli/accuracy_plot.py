"""The calibration plot with the band of chance: in the terminal, and as SVG without any library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sloengine.cli.accuracy_text import kind_text
from sloengine.domain.accuracy.points import CalibrationPoint
from sloengine.domain.errors import Invalid

_COLUMNS = 50
_FROM = 0.5
_SIZE, _EDGE = 360, 50


def plot_text(points: Sequence[CalibrationPoint]) -> list[str]:
    """One line a point: the band of chance as ``-``, the promise as ``|``, what was attained as ``o``."""
    lines: list[str] = []
    for kind in dict.fromkeys(point.kind for point in points):
        mine = [point for point in points if point.kind is kind]
        lines.append(
            f"{kind_text(kind).capitalize()} as promised at the time, {mine[0].windows} windows; "
            f"from 50 % to 100 %: o attained, | promised, - where chance alone may put it"
        )
        for point in mine:
            out = "" if point.low <= point.attained <= point.high else "  outside chance"
            lines.append(f"  {point.promised:6.1%} {_line(point)} {point.attained:6.1%}{out}")
    return lines


def _line(point: CalibrationPoint) -> str:
    cells = [" "] * (_COLUMNS + 1)
    for column in range(_column(point.low), _column(point.high) + 1):
        cells[column] = "-"
    cells[_column(point.promised)] = "|"
    cells[_column(point.attained)] = "o"
    return "".join(cells)


def _column(share: float) -> int:
    return round(_COLUMNS * (max(_FROM, share) - _FROM) / (1 - _FROM))


def svg_text(points: Sequence[CalibrationPoint]) -> str:
    """Promised across, attained upwards, one panel per kind of objective; the band of chance in grey."""
    kinds = list(dict.fromkeys(point.kind for point in points))
    width, height = _EDGE + max(1, len(kinds)) * (_SIZE + _EDGE), _SIZE + 2 * _EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="white"/>'
    ]
    for panel, kind in enumerate(kinds):
        mine = sorted((point for point in points if point.kind is kind), key=lambda point: point.promised)
        parts += _panel(mine, _EDGE + panel * (_SIZE + _EDGE))
    return "\n".join([*parts, "</svg>\n"])


def write_svg(path: Path, points: Sequence[CalibrationPoint]) -> None:
    """Write it. Raises ``Invalid`` when the file cannot be written."""
    try:
        path.write_text(svg_text(points), encoding="utf-8")
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}", path=("--svg",)) from error


def _panel(points: Sequence[CalibrationPoint], left: int) -> list[str]:
    def across(share: float) -> float:
        return left + _SIZE * (max(_FROM, share) - _FROM) / (1 - _FROM)

    def up(share: float) -> float:
        return _EDGE + _SIZE - _SIZE * (max(_FROM, share) - _FROM) / (1 - _FROM)

    band = [(across(p.promised), up(p.high)) for p in points]
    band += [(across(p.promised), up(p.low)) for p in reversed(points)]
    outline = " ".join(f"{x:.1f},{y:.1f}" for x, y in band)
    parts = [
        f'<rect x="{left}" y="{_EDGE}" width="{_SIZE}" height="{_SIZE}" fill="none" stroke="#888"/>',
        f'<polygon points="{outline}" fill="#ddd"/>',
        f'<line x1="{across(_FROM)}" y1="{up(_FROM)}" x2="{across(1)}" y2="{up(1)}" stroke="#888"/>',
        f'<text x="{left}" y="{_EDGE - 12}">{kind_text(points[0].kind).capitalize()}: '
        f"{points[0].windows} windows; grey: chance alone</text>",
        f'<text x="{left + _SIZE / 2 - 30}" y="{_EDGE + _SIZE + 32}">promised</text>',
        f'<text x="{left}" y="{_EDGE + _SIZE + 16}">50 %</text>',
        f'<text x="{left + _SIZE - 36}" y="{_EDGE + _SIZE + 16}">100 %</text>',
        f'<text x="{left - 14}" y="{_EDGE + _SIZE / 2 + 24}" transform="rotate(-90 {left - 14} '
        f'{_EDGE + _SIZE / 2 + 24})">attained</text>',
    ]
    parts += [
        f'<circle cx="{across(p.promised):.1f}" cy="{up(p.attained):.1f}" r="4" '
        f'fill="{"#06c" if p.low <= p.attained <= p.high else "#c00"}"><title>promised {p.promised:.1%}, attained '
        f"{p.attained:.1%}, chance {p.low:.1%} to {p.high:.1%}</title></circle>"
        for p in points
    ]
    return parts
