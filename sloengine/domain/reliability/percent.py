"""Ratios as people and clients read them: percent, without binary noise."""

from __future__ import annotations


def percent_from_ratio(ratio: float) -> float:
    """The ratio times 100, free of binary noise: twelve significant digits carry every target that exists.

    >>> percent_from_ratio(0.9995)
    99.95
    >>> percent_from_ratio(0.99999)
    99.999
    """
    return float(f"{ratio * 100:.12g}")


def ratio_from_percent(percent: float) -> float:
    """The percentage divided by 100, free of binary noise.

    >>> ratio_from_percent(99.95)
    0.9995
    """
    return float(f"{percent / 100:.14g}")


def percent_text(ratio: float, digits: int = 0) -> str:
    """The ratio as percent in a sentence, rounded to so many digits.

    >>> percent_text(0.75), percent_text(0.9959, 1)
    ('75 %', '99.6 %')
    """
    return f"{ratio * 100:.{digits}f} %"
