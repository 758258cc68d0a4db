"""A network file that can travel: its text and the files it names, as one blob for the store.

What a node must have of its own does not travel: secrets named by `env:` and `file:`, and the CAs
of providers. A node where one of them is missing cannot take the network, and says which.
"""

import hashlib
import struct
import zlib

import attrs
import msgpack

MOST_OCTETS = 64 << 20
"""Of a network file and its tables together, as they are written."""

MOST_PACKED = 8 << 20
"""Of the blob."""

_HEAD = struct.Struct(">4sBI")
_MAGIC = b"SPXN"
_FORM = 1


class BundleError(ValueError):
    """This is not a network that was packed by :meth:`Bundle.pack`, or it is too large."""


@attrs.define
class Bundle:
    """A network file with all that goes with it.

    `name` is its file's name, for problems; `files` are by the names written in it.
    """

    name: str
    octets: bytes = attrs.field(repr=False)
    files: dict[str, bytes] = attrs.field(factory=dict, repr=False)

    @property
    def sha256(self) -> str:
        """Of what it says, in hex: the same wherever it is packed, and whatever its name."""
        return hashlib.sha256(attrs.evolve(self, name="")._inner()).hexdigest()

    def pack(self) -> bytes:
        """As one blob. Raises BundleError when it is too large."""
        inner = self._inner()
        if len(inner) > MOST_OCTETS:
            raise BundleError(
                f"the network file and its tables have {len(inner)} octets, "
                f"{MOST_OCTETS} are the most"
            )
        packed = _HEAD.pack(_MAGIC, _FORM, len(inner)) + zlib.compress(inner)
        if len(packed) > MOST_PACKED:
            raise BundleError(
                f"packed, the network has {len(packed)} octets, {MOST_PACKED} are the most"
            )
        return packed

    def _inner(self) -> bytes:
        inner: bytes = msgpack.packb([self.name, self.octets, dict(sorted(self.files.items()))])
        return inner


def unpack(blob: bytes) -> Bundle:
    """The bundle of a blob. Raises BundleError, whatever the octets are."""
    if len(blob) < _HEAD.size or blob[:4] != _MAGIC:
        raise BundleError("this is no packed network")
    _, form, size = _HEAD.unpack_from(blob)
    if form != _FORM:
        raise BundleError(f"this network is packed in form {form}, known is form {_FORM}")
    if size > MOST_OCTETS or len(blob) > MOST_PACKED:
        raise BundleError(f"this network has {size} octets, {MOST_OCTETS} are the most")
    name, octets, files = _parts(_unzipped(blob, size))
    return Bundle(name, octets, files)


def _unzipped(blob: bytes, size: int) -> bytes:
    unzip = zlib.decompressobj()
    try:
        inner = unzip.decompress(blob[_HEAD.size :], size + 1)
    except zlib.error as error:
        raise BundleError(f"this network is damaged: {error}") from None
    if len(inner) != size or not unzip.eof or unzip.unused_data:
        raise BundleError("this network is damaged: it has not the size that it says")
    return inner


def _parts(inner: bytes) -> tuple[str, bytes, dict[str, bytes]]:
    try:
        name, octets, files = msgpack.unpackb(inner, max_array_len=3)
        fits = (name.__class__, octets.__class__, files.__class__) == (str, bytes, dict) and all(
            (key.__class__, value.__class__) == (str, bytes) for key, value in files.items()
        )
    except (ValueError, TypeError) as error:
        raise BundleError(f"this network is damaged: {error}") from None
    if not fits:
        raise BundleError("this network is damaged: it has not the form that it says")
    return name, octets, files
