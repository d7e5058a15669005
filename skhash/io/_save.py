"""Save an estimator to one file, and load it."""

import os
from typing import Any

import numpy as np
import scipy
import sklearn

import skhash
from skhash.io._file import ArrayFile, InvalidFileError, write_file
from skhash.io._graph import Decoder, Encoder


def save(path: str | os.PathLike, estimator: Any) -> None:
    """Save an estimator to a file that holds no code.

    The file is replaced in one step when all is written: after an exception, a crash or
    with a full disk, an earlier file of this name is still there and whole.

    Parameters
    ----------
    path : str or path-like
        The file to write.
    estimator : estimator
        Any estimator of skhash, fitted or not, alone or in a Pipeline,
        ColumnTransformer or FeatureUnion with transformers of scikit-learn; see
        docs/files.md for the list. Parameters and attributes may be numbers, strings,
        arrays, sparse matrices, containers of these, and further such estimators.

    Raises
    ------
    TypeError
        If the estimator has an attribute of another kind, a function for example. The
        message names it.
    ValueError
        If a parameter of the estimator is invalid, an object holds itself, or
        containers are nested too deeply.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : Load the file.

    Notes
    -----
    The file is in the safetensors format [1]_: a JSON header and arrays. One of the
    arrays is a JSON text that describes the estimator. Files hold a version of the
    format, the versions of the libraries, and SHA-256 checksums. What training needs to
    continue, but not to encode, is not saved: the state of an optimizer, as with
    pickle.

    References
    ----------
    .. [1] The safetensors format, https://github.com/huggingface/safetensors

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from skhash import ITQHasher, io
    >>> X = np.random.RandomState(0).randn(100, 8)
    >>> hasher = ITQHasher(4, random_state=0).fit(X)
    >>> path = os.path.join(tempfile.mkdtemp(), "hasher.skhash")
    >>> io.save(path, hasher)
    >>> bool((io.load(path).transform(X) == hasher.transform(X)).all())
    True
    """
    encoder = Encoder()
    root = encoder.value(estimator, type(estimator).__name__)
    graph = {"nodes": encoder.nodes, "root": root}
    write_file(path, graph, encoder.arrays, _versions())


def load(path: str | os.PathLike, *, mmap: bool = False) -> Any:
    """Load an estimator from a file.

    Nothing in the file is executed, whoever wrote it: objects are of listed classes
    only, which are made without calling their constructors, and their parameters, the
    structure of arrays and the codes of an index are validated. A file may still hold
    a model that gives wrong answers.

    Parameters
    ----------
    path : str or path-like
        A file that :func:`save` wrote.
    mmap : bool, default=False
        True: map the codes of an index into memory instead of reading them, and search
        them in place. That takes no memory and no time at first, but each search takes
        the time to rearrange the codes; the checksums of mapped codes are not verified.
        The file must not be changed in place afterwards; :func:`save` never does so.

    Returns
    -------
    estimator : estimator
        Has the same parameters and fitted attributes, and gives the same codes and
        neighbors.

    Raises
    ------
    NewerFileError
        If the file has a newer format than this version of scikit-hash reads.
    InvalidFileError
        If the file is damaged, or was not written by :func:`save`. Both errors are
        ValueErrors. The memory that such a file can take is bounded by a multiple of
        its size.
    OSError
        If the file cannot be read.

    Warns
    -----
    InconsistentVersionWarning
        If an estimator of scikit-learn was saved with another version of it.

    See Also
    --------
    save : Write the file.
    """
    with ArrayFile(path) as file:
        graph = file.graph()
        decoder = Decoder(file, mmap=mmap)
        try:
            return decoder.decode(graph)
        except InvalidFileError as error:
            raise InvalidFileError(f"{file.name} cannot be loaded: {error}") from error
        except _ERRORS as error:
            raise InvalidFileError(
                f"{file.name} cannot be loaded: its contents are invalid "
                f"({type(error).__name__}: {error})."
            ) from error


# What invalid contents may raise where they are put together.
_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)


def _versions() -> dict[str, str]:
    return {
        "skhash": skhash.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "sklearn": sklearn.__version__,
    }
