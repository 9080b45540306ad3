"""Numbers in sentences: one way to print them, everywhere."""

from __future__ import annotations

import math
from decimal import Decimal


def figure_text(value: float, digits: int = 4, *, signed: bool = False) -> str:
    """So many significant digits, thousands marked, never an exponent.

    >>> figure_text(3116.4), figure_text(12_345.0, 3), figure_text(0.0000123), figure_text(1e6)
    ('3,116', '12,300', '0.0000123', '1,000,000')
    >>> figure_text(1890.0, 3, signed=True), figure_text(-0.05, signed=True)
    ('+1,890', '-0.05')
    """
    if not math.isfinite(value):
        return f"{value:+g}" if signed else f"{value:g}"
    # Of a decimal number and not of a binary one: 0.1 has no digits behind the first.
    rounded = Decimal(f"{value + 0.0:.{digits - 1}e}")
    text = f"{rounded:{'+' if signed else ''},f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def count_text(number: float, noun: str) -> str:
    """A whole number of things.

    >>> count_text(1, "other service"), count_text(1_200, "request"), count_text(0, "hour")
    ('1 other service', '1,200 requests', '0 hours')
    """
    text = f"{number:,.0f}"
    return f"{text} {noun}" if text == "1" else f"{text} {noun}s"
