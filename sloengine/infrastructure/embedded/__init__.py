"""Real Neo4j and real Redis as child processes, for a start without Docker, and for tests."""

from sloengine.infrastructure.embedded.errors import (
    DownloadCutOff,
    EmbeddedServerFailed,
    StateInUse,
    StateNotWritable,
)
from sloengine.infrastructure.embedded.neo4j_server import EmbeddedNeo4j, Neo4jAddress
from sloengine.infrastructure.embedded.redis_server import EmbeddedRedis, RedisAddress

__all__ = [
    "DownloadCutOff",
    "EmbeddedNeo4j",
    "EmbeddedRedis",
    "EmbeddedServerFailed",
    "Neo4jAddress",
    "RedisAddress",
    "StateInUse",
    "StateNotWritable",
]
