"""Codes and neighbors that restructuring must not move.

Run as a script, this file prints the hashes that `golden.json` holds. Everything runs
in a process of its own with one thread, since the order of sums decides on bits.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

GOLDEN = Path(__file__).with_name("golden.json")
HASHERS = {
    "AnchorGraphHasher": {"n_layers": 2},
    "BernoulliVAEHasher": {"max_epochs": 3},
    "CCAITQHasher": {},
    "ClassifierHasher": {},
    "ITQHasher": {},
    "IsotropicHasher": {},
    "KernelSupervisedHasher": {},
    "PCAHasher": {},
    "PHSHasher": {"max_epochs": 3},
    "RandomProjectionHasher": {},
    "SSBVAEHasher": {"max_epochs": 3},
    "SSBVAEHasher/paper": {"max_epochs": 3},
    "SSBVAEHasher/defaults": {},
    "SelfTaughtHasher": {},
    "SemiSupervisedHasher": {},
    "ShiftInvariantKernelHasher": {},
    "SpectralHasher": {},
    "SphericalHasher": {},
    "SupervisedDiscreteHasher": {},
    "ThresholdHasher": {},
    "VDSHHasher": {"max_epochs": 3},
}


def digest(*arrays):
    found = hashlib.sha256()
    for array in arrays:
        found.update(str((array.dtype, array.shape)).encode())
        found.update(array.tobytes())
    return found.hexdigest()[:16]


def data():
    import numpy as np
    import scipy.sparse as sp

    rng = np.random.RandomState(0)
    y = rng.randint(4, size=400)
    topics = rng.dirichlet(np.full(60, 0.1), size=4)
    counts = np.array([rng.multinomial(25, topics[label]) for label in y])
    dense = rng.standard_normal((4, 24))[y] + rng.standard_normal((400, 24))
    few = np.where(rng.uniform(size=400) < 0.3, y, -1)
    return {"sparse": sp.csr_matrix(counts, dtype=np.float64), "dense": dense}, few


def hasher_hashes():
    import skhash

    rows, few = data()
    for name, arguments in HASHERS.items():
        public, _, variant = name.partition("/")
        if variant == "paper" and hasattr(skhash, "OriginalSSBVAEHasher"):
            public = "OriginalSSBVAEHasher"
            arguments = arguments | {
                "hidden_layer_sizes": (1000,),
                "batch_size": 512,
                "learning_rate": 4e-3,
                "dropout": 0.5,
                "feature_dropout": None,
                "label_weight": 1.0,
                "pair_weight": 1.0,
                "kl_weight": 0.0,
            }
        elif variant == "paper":
            arguments = arguments | {"objective": "paper"}
        cls = getattr(skhash, public)
        for form, X in rows.items():
            if arguments.get("feature_dropout", 0) is None:
                arguments["feature_dropout"] = 0.2
            settings = dict(arguments)
            if settings.get("feature_dropout") == 0.2 and form == "dense":
                settings["feature_dropout"] = 0.0
            for labels in (None, few):
                hasher = cls(n_bits=16, **settings)
                if "random_state" in hasher.get_params():
                    hasher.set_params(random_state=5)
                key = f"{name} {form} {'none' if labels is None else 'few'}"
                try:
                    codes = hasher.fit(X, labels).transform(X)
                except ValueError:
                    continue
                yield key, digest(codes)


def search_hashes():
    import numpy as np

    from skhash import HammingNearestNeighbors

    rng = np.random.RandomState(1)
    for case in range(200):
        n, n_queries = rng.randint(1, 4000), rng.randint(1, 40)
        n_bytes = rng.choice([1, 2, 3, 4, 7, 8, 12, 16, 32, 40])
        codes = rng.randint(256, size=(n, n_bytes)).astype(np.uint8)
        if case % 3 == 1:
            codes = codes[rng.randint(max(1, n // 30), size=n)]
        if case % 3 == 2:
            centers = codes[rng.randint(max(1, n // 20), size=n)]
            codes = centers ^ (rng.randint(256, size=codes.shape) < 8).astype(np.uint8)
        queries = codes[rng.randint(n, size=n_queries)] ^ rng.choice(
            [0, 1, 2, 128], size=(n_queries, n_bytes)
        ).astype(np.uint8)
        algorithm = ["auto", "brute", "multi_index"][case % 3 if case % 2 else 0]
        index = HammingNearestNeighbors(packed=True, algorithm=algorithm).fit(codes)
        if case % 4 == 3:
            index.partial_fit(queries)
            index.remove([0])
        total = index.n_samples_fit_
        mask = rng.uniform(size=total) < 0.5 if case % 5 == 4 else None
        most = total if mask is None else int(mask.sum())
        if most < 1:
            continue
        k = rng.randint(1, min(most, 50) + 1)
        found = index.kneighbors(queries, k, mask=mask)
        graph = index.radius_neighbors_graph(
            queries, int(rng.randint(6)), "distance", mask=mask
        )
        yield (
            f"search {case}",
            digest(
                *found,
                graph.data.astype(np.int32),
                graph.indices.astype(np.int64),
                graph.indptr.astype(np.int64),
            ),
        )


def main():
    import torch

    torch.set_num_threads(1)
    print(json.dumps(dict([*hasher_hashes(), *search_hashes()]), indent=0))


def test_golden():
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", __file__],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(finished.stdout)
    expected = json.loads(GOLDEN.read_text(encoding="utf-8"))
    moved = [key for key in expected if found.get(key) != expected[key]]
    assert not moved


if __name__ == "__main__":
    main()
