"""Find near-copies among texts: SimHash and an exact join, MinHash and LSH."""

import numpy as np

from _lib.measure import Watch

N_BITS = 128
RADIUS = 26
TEXTS_PER_BLOCK = 500
N_PERMUTATIONS = 128
THRESHOLD = 0.7


def draw_texts(size, seed=0):
    """Return texts, and the original of each (itself, unless it is a copy)."""
    rng = np.random.default_rng(seed)
    vocabulary = np.array([f"w{i:05d}" for i in range(20_000)], dtype=object)
    ranks = np.minimum(rng.zipf(1.2, size=(size, 145)) - 1, 19_999)
    n_copies = size // 10
    source = np.arange(size)
    source[-n_copies:] = rng.integers(0, size - n_copies, n_copies)
    ranks[-n_copies:] = ranks[source[-n_copies:]]
    edited = rng.uniform(size=(n_copies, 145)) < 0.02
    ranks[-n_copies:][edited] = rng.integers(0, 20_000, int(edited.sum()))
    return [" ".join(vocabulary[row]) for row in ranks], source


def pair_scores(i, j, source):
    """Return precision and recall of pairs of texts with the same original."""
    order = np.argsort(source, kind="stable")
    counts = np.bincount(source[order])
    n_true = int((counts * (counts - 1) // 2).sum())
    n_hits = int((source[i] == source[j]).sum())
    return n_hits / max(1, len(i)), n_hits / max(1, n_true)


def simhash(size):
    """Run WordShingleVectorizer, SimHasher and the join."""
    from skhash import DuplicateDetector, SimHasher
    from skhash.duplicates import WordShingleVectorizer

    texts, source = draw_texts(size)
    vectorizer, hasher = WordShingleVectorizer(), SimHasher(N_BITS, output="packed")
    detector = DuplicateDetector(RADIUS, packed=True, n_jobs=-1)
    detector.fit(hasher.transform(vectorizer.transform(texts[:10])))
    with Watch() as watch:
        codes = np.empty((size, N_BITS // 8), dtype=np.uint8)
        for k in range(0, size, TEXTS_PER_BLOCK):
            block = slice(k, k + TEXTS_PER_BLOCK)
            codes[block] = hasher.transform(vectorizer.transform(texts[block]))
    with Watch() as join:
        i, j, _ = detector.fit(codes).pairs_
    # Above the process without codes.
    watch.megabytes = max(watch.megabytes, join.megabytes + codes.nbytes / 1e6)
    watch.seconds += join.seconds
    watch.cpu_seconds += join.cpu_seconds
    return result("texts", "SimHash", size, watch, source, i, j, join.seconds)


def shingles(text):
    """Return the runs of three words of a text."""
    words = text.split()
    return {" ".join(words[k : k + 3]) for k in range(len(words) - 2)}


def minhash(size):
    """Run the MinHash and LSH of datasketch."""
    from datasketch import MinHash, MinHashLSH

    texts, source = draw_texts(size)
    with Watch() as watch:
        lsh = MinHashLSH(threshold=THRESHOLD, num_perm=N_PERMUTATIONS)
        i, j = [], []
        for row, text in enumerate(texts):
            sketch = MinHash(num_perm=N_PERMUTATIONS)
            sketch.update_batch([shingle.encode() for shingle in shingles(text)])
            found = lsh.query(sketch)
            i += found
            j += [row] * len(found)
            lsh.insert(row, sketch)
    i, j = np.array(i, dtype=int), np.array(j, dtype=int)
    return result("texts", "datasketch MinHashLSH", size, watch, source, i, j)


def rensa(size):
    """Run the MinHash and LSH of rensa, and compare the sketches of candidates."""
    from rensa import RMinHash, RMinHashLSH

    texts, source = draw_texts(size)
    with Watch() as watch:
        sketches = RMinHash.from_token_sets(
            [list(shingles(text)) for text in texts], N_PERMUTATIONS, 0
        )
        lsh = RMinHashLSH(THRESHOLD, N_PERMUTATIONS, 16)
        lsh.insert_many(sketches)
        i, j = [], []
        for row, found in enumerate(lsh.query_all(sketches)):
            # The bands of this index give candidates of any similarity.
            near = [
                other
                for other in found
                if other < row and sketches[other].jaccard(sketches[row]) >= THRESHOLD
            ]
            i += near
            j += [row] * len(near)
    i, j = np.array(i, dtype=int), np.array(j, dtype=int)
    return result("texts", "rensa RMinHashLSH", size, watch, source, i, j)


def result(task, method, size, watch, source, i, j, join_seconds=""):
    """Return the line of a method."""
    precision, recall = pair_scores(i, j, source)
    return {
        "task": task,
        "method": method,
        "size": size,
        "seconds": round(watch.seconds, 2),
        "cpu_seconds": round(watch.cpu_seconds, 2),
        "join_seconds": join_seconds and round(join_seconds, 2),
        "memory_mb": round(watch.megabytes, 1),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(2 * precision * recall / max(1e-9, precision + recall), 4),
    }
