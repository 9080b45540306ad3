from __future__ import annotations

from sloengine.infrastructure.redis.decoded_documents import DecodedDocuments


def counted(max_bytes: int) -> tuple[DecodedDocuments[str], list[bytes]]:
    decoded: list[bytes] = []

    def decode(document: bytes) -> str:
        decoded.append(document)
        return document.decode()

    return DecodedDocuments(decode, max_bytes=max_bytes), decoded


def test_the_same_bytes_are_decoded_once():
    documents, decoded = counted(100)

    assert [documents.value("a", b"one"), documents.value("a", b"one")] == ["one", "one"]
    assert decoded == [b"one"]


def test_other_bytes_under_the_same_key_are_decoded_again():
    documents, decoded = counted(100)

    assert [documents.value("a", b"one"), documents.value("a", b"two")] == ["one", "two"]
    assert decoded == [b"one", b"two"]


def test_what_was_not_used_for_longest_is_forgotten_first():
    documents, decoded = counted(7)

    for key, document in (
        ("a", b"one"),
        ("b", b"two"),
        ("a", b"one"),
        ("c", b"six"),
        ("a", b"one"),
        ("b", b"two"),
    ):
        documents.value(key, document)

    assert decoded == [b"one", b"two", b"six", b"two"]


def test_a_document_above_the_limit_is_decoded_and_not_kept():
    documents, decoded = counted(2)

    assert [documents.value("a", b"one"), documents.value("a", b"one")] == ["one", "one"]
    assert len(decoded) == 2
