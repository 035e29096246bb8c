"""Content codings of a reply's body: unpacked within a limit."""

import zlib

from runner.base.errors import CallError

_RAW_DEFLATE, _GZIP_OR_ZLIB = -zlib.MAX_WBITS, 32 + zlib.MAX_WBITS
_MAX_MEMBERS = 64  # of a gzip body; each one copies the rest of it


def unpacked(body: bytes, coding: str, limit: int) -> bytes:
    """Return *body* without its Content-Encoding; raise CallError if it is corrupt or too large.

    Only the requested codings are supported, one at a time. A body that is plain JSON in spite of
    its header is returned as it is.
    """
    coding = coding.strip().lower()
    if coding in ("", "identity") or not body:
        return body
    try:
        return _decompressed(body, coding, limit)
    except ValueError as error:
        if body.lstrip()[:1] in (b"{", b"["):
            return body
        raise CallError("bad_response", str(error), billed=True) from error


def _decompressed(body: bytes, coding: str, limit: int) -> bytes:
    """Return *body*, all members of it if it is gzip; raise ValueError if it is corrupt."""
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise ValueError(f"the reply is encoded with {coding}, expected gzip or deflate")
    raw = coding == "deflate" and body[0] & 0x0F != 8  # RFC 1951 instead of 1950
    data, left, members = b"", body, 0
    while left:
        if (members := members + 1) > _MAX_MEMBERS:
            raise ValueError(f"the reply has more than {_MAX_MEMBERS} members of gzip")
        reader = zlib.decompressobj(_RAW_DEFLATE if raw else _GZIP_OR_ZLIB)
        try:
            data += reader.decompress(left, limit + 1 - len(data))
        except zlib.error as error:
            raise ValueError(f"the reply is not valid {coding}: {error}") from error
        if len(data) > limit:
            raise too_large(len(data), limit)
        if not reader.eof:
            raise ValueError(f"the reply is truncated {coding}")
        left = reader.unused_data if reader.unused_data.startswith(b"\x1f\x8b") else b""
    return data


def too_large(size: int, limit: int) -> CallError:
    """Return the failure of a reply with *size* bytes."""
    message = f"the reply has {size:,} bytes or more, expected at most {limit:,}"
    return CallError("bad_response", message, billed=True)
