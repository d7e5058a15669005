"""Load text collections that need no network connection."""

from typing import Any

import numpy as np
from sklearn.utils import Bunch


def load_icd10cm(*, return_X_y: bool = False) -> Any:
    """Load the diagnoses of ICD-10-CM, short texts in 22 chapters.

    The corpus is part of the package `simple-icd-10-cm` (extra ``demo``), release 2026:
    46,842 descriptions of about seven words, each in one chapter of the international
    classification of diseases (US clinical modification). The chapters differ in size:
    a quarter of the texts are injuries.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    corpus : :class:`~sklearn.utils.Bunch`
        ``data``, a list of str; ``target``, an int array with the position of the
        chapter of each text; ``target_names``, the titles of the chapters; ``codes``,
        the ICD-10-CM code of each text. If `return_X_y`, the tuple (data, target).

    Raises
    ------
    ImportError
        If the package `simple-icd-10-cm` is not installed.

    Examples
    --------
    >>> from skhash.datasets import load_icd10cm
    >>> corpus = load_icd10cm()
    >>> corpus.data[0], corpus.target_names[corpus.target[0]]
    ('Cholera', 'Certain infectious and parasitic diseases (A00-B99)')
    """
    try:
        import simple_icd_10_cm as icd
    except ImportError as error:
        raise ImportError(
            "load_icd10cm reads the corpus of the package simple-icd-10-cm, which is "
            "not installed. Install it with: pip install 'scikit-hash[demo]'."
        ) from error

    all_codes = icd.get_all_codes(with_dots=True)
    chapters = [code for code in all_codes if icd.is_chapter(code)]
    # Extended codes are left out: they repeat the text of their parent and add the
    # meaning of a seventh character ("initial encounter", "sequela").
    codes = [
        code
        for code in all_codes
        if not icd.is_chapter_or_block(code) and not icd.is_extended_subcategory(code)
    ]
    position = {chapter: i for i, chapter in enumerate(chapters)}
    corpus = Bunch(
        data=[icd.get_description(code) for code in codes],
        target=np.array([position[icd.get_ancestors(code)[-1]] for code in codes]),
        target_names=[icd.get_description(chapter) for chapter in chapters],
        codes=codes,
    )
    return (corpus.data, corpus.target) if return_X_y else corpus
