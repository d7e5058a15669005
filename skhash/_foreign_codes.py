"""Convert codes of other tools, such as image hashes, to packed codes."""

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any, Literal, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

BitOrder: TypeAlias = Literal["big", "little"]
Side: TypeAlias = Literal["end", "start"]

_HEX_DIGITS = np.full(256, 255, dtype=np.uint8)
for _digit in "0123456789abcdefABCDEF":
    _HEX_DIGITS[ord(_digit)] = int(_digit, 16)


def from_hex(
    strings: Iterable[str],
    n_bits: SupportsIndex | None = None,
    *,
    bit_order: BitOrder = "big",
    padding: Side = "end",
) -> NDArray[np.uint8]:
    """Convert hexadecimal strings to packed codes.

    Parameters
    ----------
    strings : iterable of str
        One string of hexadecimal digits per code, all of the same length; upper or
        lower case, with or without "0x". The first digit holds the first four bits.
    n_bits : int, default=None
        Length of the codes; four times the number of digits if None.
    bit_order : {"big", "little"}, default="big"
        Whether the first bit is the highest or the lowest one of each byte.
    padding : {"end", "start"}, default="end"
        Where the digits hold bits beyond `n_bits`: at the end, as those of
        :func:`numpy.packbits`, or at the start, as those of an integer and of the
        strings of `imagehash`.

    Returns
    -------
    packed : ndarray of shape (n_samples, ceil(n_bits / 8)), uint8
        Packed codes.

    Raises
    ------
    TypeError
        If one is not a string.
    ValueError
        If the lengths differ, a character is not a hexadecimal digit, or padding bits
        are set; the message names the order that fits, if any.

    Examples
    --------
    >>> from skhash.codes import from_hex
    >>> from_hex(["ff00", "ff01"])
    array([[255,   0],
           [255,   1]], dtype=uint8)
    """
    texts = list(strings)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"strings must hold str; got {type(text).__name__}.")
    texts = [text[2:] if text[:2] in ("0x", "0X") else text for text in texts]
    lengths = {len(text) for text in texts}
    if len(lengths) > 1:
        raise ValueError(
            "strings must have the same number of digits; got from "
            f"{min(lengths)} to {max(lengths)}. Integers written without leading zeros "
            "are read by skhash.codes.from_integers([int(s, 16) for s in strings])."
        )
    n_digits = lengths.pop() if lengths else 0
    if not n_digits:
        raise ValueError("strings must hold at least one code of one digit; got none.")
    digits = np.array(texts).view(np.uint32).reshape(len(texts), n_digits)
    values = _HEX_DIGITS[np.minimum(digits, 255)]
    if (values > 15).any():
        wrong = texts[int((values > 15).any(axis=1).argmax())]
        raise ValueError(f"strings must hold hexadecimal digits; got {wrong!r}.")
    bits = np.unpackbits(values[:, :, None], axis=2)[:, :, 4:]
    return _pack(bits.reshape(len(texts), -1), n_bits, bit_order, padding, "strings")


def from_bytes(
    values: ArrayLike | Sequence[bytes],
    n_bits: SupportsIndex | None = None,
    *,
    bit_order: BitOrder = "big",
    padding: Side = "end",
) -> NDArray[np.uint8]:
    r"""Convert bytes, such as PDQ hashes or chemical fingerprints, to packed codes.

    Parameters
    ----------
    values : sequence of bytes, or array-like of shape (n_samples, n_bytes), uint8
        One code per item, all of the same length.
    n_bits : int, default=None
        Length of the codes; eight times the number of bytes if None.
    bit_order : {"big", "little"}, default="big"
        Whether the first bit is the highest or the lowest one of each byte.
    padding : {"end", "start"}, default="end"
        Where the bytes hold bits beyond `n_bits`.

    Returns
    -------
    packed : ndarray of shape (n_samples, ceil(n_bits / 8)), uint8
        Packed codes.

    Raises
    ------
    TypeError
        If an array is not of dtype uint8.
    ValueError
        If the lengths differ, or padding bits are set; the message names the order that
        fits, if any.

    Examples
    --------
    >>> from skhash.codes import from_bytes
    >>> from_bytes([b"\x01\xff"], bit_order="little")
    array([[128, 255]], dtype=uint8)
    """
    if not isinstance(values, np.ndarray):
        items: list[Any] = list(values)  # type: ignore[arg-type]
        if items and all(isinstance(item, bytes | bytearray) for item in items):
            lengths = sorted({len(item) for item in items})
            if len(lengths) > 1:
                raise ValueError(
                    "values must hold codes of the same number of bytes; got from "
                    f"{lengths[0]} to {lengths[-1]}."
                )
            joined = np.frombuffer(b"".join(items), dtype=np.uint8)
            values = joined.reshape(len(items), lengths[0])
    array = np.asarray(values)
    if array.dtype != np.uint8:
        raise TypeError(
            f"values must be bytes or an array of dtype uint8; got {array.dtype}."
        )
    if array.ndim != 2 or not array.size:
        raise ValueError(
            "values must be of shape (n_samples, n_bytes), with at least one of each; "
            f"got {array.shape}."
        )
    bits = np.unpackbits(array, axis=1)
    return _pack(bits, n_bits, bit_order, padding, "values")


def from_integers(
    values: ArrayLike, n_bits: SupportsIndex = 64, *, bit_order: BitOrder = "big"
) -> NDArray[np.uint8]:
    """Convert integers, one per code, to packed codes.

    Parameters
    ----------
    values : array-like of shape (n_samples,)
        Integers of any size below ``2**n_bits``. A negative one, as of a signed column
        of a database, stands for itself plus ``2**n_bits``.
    n_bits : int, default=64
        Length of the codes, at least 1.
    bit_order : {"big", "little"}, default="big"
        Whether the first bit of a code is the highest or the lowest bit of its integer.

    Returns
    -------
    packed : ndarray of shape (n_samples, ceil(n_bits / 8)), uint8
        Packed codes.

    Raises
    ------
    TypeError
        If one is not an integer.
    ValueError
        If one does not fit in `n_bits` bits.

    Examples
    --------
    >>> from skhash.codes import from_integers
    >>> from_integers([1, -1], n_bits=16)
    array([[  0,   1],
           [255, 255]], dtype=uint8)
    """
    width = _checked_length(n_bits)
    _check_side(bit_order, "bit_order", ("big", "little"))
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(
            f"values must be one integer per code, of shape (n_samples,); got shape "
            f"{array.shape}."
        )
    if array.dtype.kind not in "iu" and not all(map(_is_integer, array.tolist())):
        raise TypeError(f"values must be integers; got dtype {array.dtype}.")
    limit = 1 << width
    if array.size and not (-limit // 2 <= int(array.min()) and array.max() < limit):
        raise ValueError(
            f"values must be from {-limit // 2} to {limit - 1}, those of codes of "
            f"{width} bits; got {array.min()} to {array.max()}."
        )
    if array.dtype.kind in "iu" and width <= 64:
        wide = array.astype(np.int64 if array.dtype.kind == "i" else np.uint64)
        highest_first = wide.view(np.uint64).astype(">u8")
        octets = highest_first.view(np.uint8).reshape(-1, 8)
    else:
        size = -(-width // 8)
        joined = b"".join((int(x) % limit).to_bytes(size, "big") for x in array)
        octets = np.frombuffer(joined, dtype=np.uint8).reshape(-1, size)
    bits = np.unpackbits(octets, axis=1)[:, -width:]
    return np.packbits(bits if bit_order == "big" else bits[:, ::-1], axis=1)


def from_imagehash(hashes: Iterable[Any]) -> NDArray[np.uint8]:
    """Convert hashes of the package `imagehash` to packed codes.

    Parameters
    ----------
    hashes : iterable of imagehash.ImageHash, or of boolean arrays
        One hash per image, all of the same size; read row by row.

    Returns
    -------
    packed : ndarray of shape (n_samples, ceil(n_bits / 8)), uint8
        Packed codes, whose distance is the difference of two hashes.

    Raises
    ------
    TypeError
        If one is neither an ``ImageHash`` nor a boolean array.
    ValueError
        If there is none, or the sizes differ.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.codes import from_imagehash
    >>> from_imagehash([np.eye(4, dtype=bool)])
    array([[132,  33]], dtype=uint8)
    """
    arrays = [np.asarray(getattr(each, "hash", each)) for each in hashes]
    if not arrays:
        raise ValueError("hashes must hold at least one hash; got none.")
    for array in arrays:
        if array.dtype != bool:
            raise TypeError(
                "hashes must be imagehash.ImageHash or boolean arrays; got dtype "
                f"{array.dtype}."
            )
    sizes = sorted({array.size for array in arrays})
    if len(sizes) > 1:
        raise ValueError(
            f"hashes must have the same size; got from {sizes[0]} to {sizes[-1]} bits."
        )
    return np.packbits(np.stack([array.ravel() for array in arrays]), axis=1)


def _pack(
    bits: NDArray[np.uint8],
    n_bits: SupportsIndex | None,
    bit_order: BitOrder,
    padding: Side,
    name: str,
) -> NDArray[np.uint8]:
    """Bring bits in the order of their bytes to the form of packed codes."""
    _check_side(bit_order, "bit_order", ("big", "little"))
    _check_side(padding, "padding", ("end", "start"))
    n_held = bits.shape[1]
    width = n_held if n_bits is None else _checked_length(n_bits)
    if not n_held - 8 < width <= n_held:
        raise ValueError(
            f"{name} hold {n_held} bits per code, which does not fit n_bits={width}."
        )
    orders = [(b, p) for b in ("big", "little") for p in ("end", "start")]
    codes, rest = _split(bits, width, bit_order, padding, name)
    if rest.any():
        fitting = [
            f"bit_order={b!r}, padding={p!r}"
            for b, p in orders
            if (b == "big" or n_held % 8 == 0)
            and not _split(bits, width, b, p, name)[1].any()
        ]
        remedy = f" They are zero with {' or '.join(fitting)}." if fitting else ""
        raise ValueError(
            f"The {n_held - width} padding bits of {name} must be zero for codes of "
            f"{width} bits; got some that are set with bit_order={bit_order!r}, "
            f"padding={padding!r}.{remedy}"
        )
    return np.packbits(codes, axis=1)


def _split(
    bits: NDArray[np.uint8], width: int, bit_order: str, padding: str, name: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the bits of the codes in order, and the padding bits."""
    if bit_order == "little":
        if bits.shape[1] % 8:
            raise ValueError(
                f"bit_order='little' needs whole bytes; {name} hold {bits.shape[1]} "
                "bits per code."
            )
        bits = bits.reshape(len(bits), -1, 8)[:, :, ::-1].reshape(bits.shape)
    n_rest = bits.shape[1] - width
    if padding == "end":
        return bits[:, :width], bits[:, width:]
    return bits[:, n_rest:], bits[:, :n_rest]


def _checked_length(n_bits: SupportsIndex) -> int:
    width = int(n_bits.__index__())
    if width < 1:
        raise ValueError(f"n_bits must be at least 1; got {width}.")
    return width


def _check_side(value: str, name: str, allowed: tuple[str, str]) -> None:
    if value not in allowed:
        raise ValueError(
            f"{name} must be {allowed[0]!r} or {allowed[1]!r}; got {value!r}."
        )


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
