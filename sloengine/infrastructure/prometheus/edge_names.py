"""What the name of the far end of a call gives away."""

from __future__ import annotations

import re

_PRIVATE_ENDINGS = (
    ".local",
    ".internal",
    ".svc",
    ".lan",
    ".localdomain",
    ".cluster",
    ".consul",
    ".intranet",
    ".home",
)
_PUBLIC_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}")
_PORT = re.compile(r":\d{1,5}$")


def looks_external(name: str) -> bool:
    """Whether this is the address of a host in the public name space, and so most likely somebody else's.

    >>> looks_external("api.stripe.com"), looks_external("api.stripe.com:443"), looks_external("payments")
    (True, True, False)
    >>> looks_external("checkout.shop.svc.cluster.local"), looks_external("10.0.0.1")
    (False, False)
    """
    host = _PORT.sub("", name.lower())
    return bool(_PUBLIC_HOST.fullmatch(host)) and not host.endswith(_PRIVATE_ENDINGS)
