"""Documents that were decoded of late, so that reading the same bytes again costs a comparison."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable


class DecodedDocuments[Value]:
    """Remembers the value of a document for as long as the very same bytes come back.

    Never an answer by itself: the caller has read the bytes just now. Values must be immutable. ``max_bytes``
    bounds the documents' own size; decoded values take two to three times that.
    """

    def __init__(self, decode: Callable[[bytes], Value], *, max_bytes: int) -> None:
        self._decode = decode
        self._max_bytes = max_bytes
        self._size = 0
        self._known: OrderedDict[str, tuple[bytes, Value]] = OrderedDict()

    def value(self, key: str, document: bytes) -> Value:
        """The value of these bytes, which were read under this key."""
        known = self._known.get(key)
        if known is not None:
            if known[0] == document:
                self._known.move_to_end(key)
                return known[1]
            self._forget(key)
        decoded = self._decode(document)
        if len(document) <= self._max_bytes:
            self._known[key] = (document, decoded)
            self._size += len(document)
            while self._size > self._max_bytes:
                self._forget(next(iter(self._known)))
        return decoded

    def _forget(self, key: str) -> None:
        document, _ = self._known.pop(key)
        self._size -= len(document)
