"""Vectors of texts that embeddings gave, stored by model and text."""

from runner.base.text import digest
from runner.config.schema import Settings
from runner.providers.litellm.embedding import DIMENSIONS, vectors_in
from runner.record.store import Store

FOLDER = "embeddings"  # of a run or batch that has no store

Vector = list[float]


def vector_key(settings: Settings, text: str) -> str:
    """Return the digest under which the vector of *text* is stored."""
    of = f"{settings.collection.embeddings}\0{DIMENSIONS}\0{settings.model.api_base}"
    return digest(f"embedding\0{of}\0{text}")


def stored_vector(store: Store, key: str) -> Vector | None:
    """Return the vector that *store* has under *key*, None without an intact one."""
    try:
        found = store.get(key)
        return vectors_in(found.text)[0] if found else None
    except (ValueError, IndexError):
        return None
