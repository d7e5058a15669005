"""Test packed codes among the columns of pipelines and unions."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skhash._packed_columns import is_packed, packed_columns, unpack_columns
from skhash.shallow import ITQHasher, PCAHasher, ThresholdHasher

NAMES = [f"x{i}" for i in range(12)]
FIRST, LAST = NAMES[:7], NAMES[5:]


@pytest.fixture
def frame():
    rows = np.random.default_rng(0).standard_normal((60, 12))
    return pd.DataFrame(rows, columns=NAMES)


def hashers(output):
    return (
        PCAHasher(6, output=output, random_state=0),
        ITQHasher(5, output=output, random_state=0),
    )


def columns(output):
    pca, itq = hashers(output)
    return ColumnTransformer(
        [("a", pca, FIRST), ("no", "drop", LAST), ("b", itq, LAST)]
    )


def union(output):
    pca, itq = hashers(output)
    return FeatureUnion([("a", pca), ("no", "drop"), ("b", itq)])


COMPOSITIONS = {
    "hasher": lambda output: hashers(output)[0],
    "threshold": lambda output: ThresholdHasher(output=output),
    "pipeline": lambda output: make_pipeline(
        StandardScaler(), hashers(output)[0], "passthrough"
    ),
    "search": lambda output: GridSearchCV(
        hashers(output)[0], {"random_state": [0]}, scoring=lambda *_: 0.0
    ),
    "columns": columns,
    "union": union,
    "columns in a union": lambda output: FeatureUnion(
        [("a", make_pipeline(columns(output))), ("b", hashers(output)[1])]
    ),
    "union in columns": lambda output: ColumnTransformer(
        [("a", union(output), FIRST), ("b", hashers(output)[0], LAST)]
    ),
}


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("name", COMPOSITIONS)
def test_packed_codes_are_found_and_unpacked(frame, name, frozen):
    bits = COMPOSITIONS[name]("bits").fit(frame).transform(frame)
    packed = COMPOSITIONS[name]("packed").fit(frame)
    packed = FrozenEstimator(packed) if frozen else packed
    codes = packed.transform(frame)
    assert is_packed(packed, codes.shape[1])
    np.testing.assert_array_equal(unpack_columns(packed, codes), bits)
    frozen_bits = COMPOSITIONS[name]("bits").fit(frame)
    assert not is_packed(frozen_bits, bits.shape[1])
    assert unpack_columns(frozen_bits, bits) is bits


def test_other_columns_stay_as_they_are(frame):
    mixed = ColumnTransformer(
        [("scaled", StandardScaler(), FIRST), ("code", hashers("packed")[0], LAST)],
        remainder="passthrough",
    ).fit(frame)
    codes = mixed.transform(frame)
    assert packed_columns(mixed, codes.shape[1]) == [(slice(7, 8), 6)]
    assert not is_packed(mixed, codes.shape[1])
    bits = hashers("bits")[0].fit(frame[LAST]).transform(frame[LAST])
    for given in (codes, sp.csr_array(codes)):
        np.testing.assert_array_equal(
            unpack_columns(mixed, given), np.hstack([codes[:, :7], bits])
        )


def test_part_of_a_union_without_names_takes_the_other_columns(frame):
    nameless = FunctionTransformer(lambda X: np.asarray(X)[:, :3])
    code = hashers("packed")[1]
    mixed = FeatureUnion([("f", nameless), ("code", code), ("all", "passthrough")])
    assert packed_columns(mixed.fit(frame), 16) == [(slice(3, 4), 5)]
    two = FeatureUnion([("f", nameless), ("code", code), ("g", nameless)]).fit(frame)
    with pytest.raises(ValueError, match="get_feature_names_out"):
        packed_columns(two, 7)
    plain = FeatureUnion([("f", nameless), ("g", nameless)]).fit(frame)
    assert packed_columns(plain, 6) == []
