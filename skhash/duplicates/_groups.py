"""Form groups of duplicates from pairs."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from skhash.duplicates._pairs import (
    DistinctRows,
    Indices,
    Pairs,
    numbers_of,
    release_memory,
)

#: Rows in order of preference; None: by index.
Order = Indices | None


class Groups(NamedTuple):
    """Groups of rows, numbered by their first rows.

    Attributes
    ----------
    labels : ndarray of shape (n_rows,), intp
        The group of each row.
    is_kept : ndarray of shape (n_rows,), bool
        Whether a row represents its group. One row per group does.
    """

    labels: Indices
    is_kept: NDArray[np.bool_]

    @property
    def representatives(self) -> Indices:
        """The row that represents each group, made anew."""
        return kept_rows(self.labels, self.is_kept)


def kept_rows(labels: Indices, is_kept: NDArray[np.bool_]) -> Indices:
    """Return the kept row of each group, where each group has one."""
    rows = np.flatnonzero(is_kept)
    by_group = np.empty_like(rows)
    by_group[labels[rows]] = rows
    return by_group


def check_weights(
    sample_weight: ArrayLike | None, n_samples: int
) -> NDArray[np.float64] | None:
    """Validate weights: finite numbers, one per sample; they may be negative."""
    if sample_weight is None:
        return None
    weights = np.array(sample_weight, dtype=np.float64)
    if weights.shape != (n_samples,):
        raise ValueError(
            f"sample_weight must be of shape ({n_samples},), one number per sample; "
            f"got {weights.shape}."
        )
    if not np.isfinite(weights).all():
        raise ValueError("sample_weight must hold finite numbers; got NaN or infinity.")
    return weights


def preference_order(weights: NDArray[np.float64] | None) -> Indices | None:
    """Return rows by descending weight, and by index where weights are equal.

    None, for the order of indices, without weights.
    """
    return None if weights is None else np.argsort(-weights, kind="stable")


def row_pairs(pairs: Pairs, rows: DistinctRows) -> Pairs:
    """Return pairs of rows instead of pairs of distinct codes.

    Rows with equal codes are paired with the first of them only, so that their number
    grows with that of the rows.
    """
    left = np.concatenate([pairs.i, rows.code_of_copy])
    return Pairs(
        rows.first_rows(left).astype(np.intp),
        np.concatenate([rows.first_rows(pairs.j), rows.copies]).astype(np.intp),
        np.concatenate([pairs.distance, np.zeros(len(rows.copies), dtype=np.int32)]),
    ).sorted()


def single_linkage(pairs: Pairs, rows: DistinctRows, order: Order) -> Groups:
    """Group rows that are connected by pairs, with the preferred row in front.

    Parameters
    ----------
    pairs : Pairs
        Pairs of distinct codes.
    rows : DistinctRows
        The distinct codes of the rows.
    order : ndarray of shape (n_rows,), intp, or None
        Rows in order of preference; None: by index.
    """
    i, j, originals = pairs.i, pairs.j, rows.code_of_copy
    if len(rows.copies):
        i, j, originals = map(rows.first_rows, (i, j, originals))
    components = _components(i, j, rows.n_rows, rows.copies, originals)
    return _preferred(*components, order)


def single_linkage_to(
    n_keep: int, pairs: Pairs, rows: DistinctRows, order: Order
) -> Groups:
    """Merge groups by their nearest pairs until `n_keep` groups are left.

    Pairs at the same distance merge in the order of (i, j).
    """
    edges = row_pairs(pairs, rows)
    n_rows = rows.n_rows
    by_distance = np.argsort(edges.distance, kind="stable")
    rank = np.empty(len(by_distance))
    # The minimum spanning tree holds the edges by which Kruskal's algorithm merges.
    rank[by_distance] = np.arange(1, len(by_distance) + 1)
    graph = sp.csr_array((rank, (edges.i, edges.j)), shape=(n_rows, n_rows))
    ranks = np.sort(minimum_spanning_tree(graph).data).astype(np.intp)
    if n_rows - len(ranks) > n_keep:
        raise _too_few(n_keep, n_rows - len(ranks))
    merging = edges.take(by_distance[ranks[: n_rows - n_keep] - 1])
    none = np.empty(0, dtype=np.intp)
    components = _components(merging.i, merging.j, n_rows, none, none)
    return _preferred(*components, order)


def star_linkage(pairs: Pairs, rows: DistinctRows, order: Order) -> Groups:
    """Group rows around representatives, each within the radius of its own.

    Rows become representatives in order of preference, unless one is within the radius
    of an earlier representative. The others join the nearest representative, and the
    preferred one of those at the same distance.
    """
    return _stars(pairs, rows, order)[0]


def star_linkage_to(
    n_keep: int, pairs: Pairs, rows: DistinctRows, order: Order
) -> Groups:
    """Group rows around `n_keep` representatives.

    The radius is the least that leaves no more. If it leaves less, the rows farthest
    from their representatives are kept too, by index where distances are equal.
    """
    largest = int(pairs.distance.max(initial=0))
    for radius in range(largest + 1):
        groups, distances = _stars(pairs.within(radius), rows, order)
        n_groups = len(groups.representatives)
        if n_groups <= n_keep:
            break
    else:
        raise _too_few(n_keep, n_groups)
    others = np.ones(rows.n_rows, dtype=bool)
    others[groups.representatives] = False
    candidates = np.flatnonzero(others)
    farthest = np.argsort(-distances[candidates], kind="stable")[: n_keep - n_groups]
    labels = groups.labels.copy()
    labels[candidates[farthest]] = n_groups + np.arange(len(farthest))
    kept = np.concatenate([groups.representatives, candidates[farthest]])
    return _numbered(labels, kept)


def _stars(
    pairs: Pairs, rows: DistinctRows, order: Order
) -> tuple[Groups, NDArray[np.int32]]:
    """Return stars, and the distance of each row to its representative."""
    n_codes, code_of_row = rows.n_codes, rows.code_of_row
    if order is None:
        order = np.arange(rows.n_rows)
    # The best row of a code stands for it: the last assignment to a position counts.
    best = np.empty(n_codes, dtype=np.intp)
    best[code_of_row[order[::-1]]] = order[::-1]
    rank_of_row = np.empty(len(order), dtype=np.intp)
    rank_of_row[order] = np.arange(len(order))
    rank = rank_of_row[best]
    is_center = _centers(pairs, rank, n_codes)

    i = np.concatenate([pairs.i, pairs.j])
    j = np.concatenate([pairs.j, pairs.i])
    distance = np.tile(pairs.distance, 2)
    arms = np.flatnonzero(is_center[j] & ~is_center[i])
    # From the farthest to the nearest, so that the nearest is assigned last.
    arms = arms[np.lexsort((rank[j[arms]], distance[arms]))[::-1]]
    center = np.arange(n_codes)
    center[i[arms]] = j[arms]
    away = np.zeros(n_codes, dtype=np.int32)
    away[i[arms]] = distance[arms]

    numbers = np.cumsum(is_center) - 1
    labels = numbers[center][code_of_row]
    groups = _numbered(labels, best[np.flatnonzero(is_center)])
    return groups, away[code_of_row]


def _centers(pairs: Pairs, rank: NDArray[np.intp], n_codes: int) -> NDArray[np.bool_]:
    """Return the codes that no earlier chosen code covers, chosen in order of rank."""
    weights = np.ones(2 * len(pairs.i), dtype=bool)
    ends = np.concatenate([pairs.i, pairs.j]), np.concatenate([pairs.j, pairs.i])
    graph = sp.csr_array((weights, ends), shape=(n_codes, n_codes))
    indptr, indices = graph.indptr, graph.indices
    is_center = np.ones(n_codes, dtype=bool)
    paired = np.flatnonzero(np.diff(indptr))
    for code in paired[np.argsort(rank[paired])].tolist():
        if is_center[code]:
            is_center[indices[indptr[code] : indptr[code + 1]]] = False
    return is_center


def _components(
    i: NDArray[np.integer],
    j: NDArray[np.integer],
    n_rows: int,
    copies: NDArray[np.integer],
    originals: NDArray[np.integer],
) -> tuple[Indices, NDArray[np.bool_]]:
    """Find connected components, numbered by their first rows.

    Only rows that have a pair enter a graph: most have none.

    Parameters
    ----------
    i, j : ndarray of shape (n_pairs,), int
        Pairs of rows.
    n_rows : int
        Number of rows.
    copies, originals : ndarray of shape (n_copies,), int
        Rows without a pair, and the earlier rows whose components they belong to.

    Returns
    -------
    labels : ndarray of shape (n_rows,), intp
        The component of each row.
    is_first : ndarray of shape (n_rows,), bool
        Whether a row is the first one of its component.
    """
    is_first = np.zeros(n_rows, dtype=bool)
    is_first[i] = is_first[j] = True
    nodes = np.flatnonzero(is_first).astype(i.dtype)
    # The places of rows in the graph.
    places = numbers_of(is_first, i.dtype)
    i, j = places[i], places[j]
    del places
    leaders = nodes[_first_connected(i, j, len(nodes))]
    is_first[:] = True
    is_first[nodes] = leaders == nodes
    is_first[copies] = False
    release_memory(n_rows)
    labels = numbers_of(is_first, np.intp)
    labels[nodes] = labels[leaders]
    labels[copies] = labels[originals]
    return labels, is_first


def _first_connected(
    i: NDArray[np.integer], j: NDArray[np.integer], n_nodes: int
) -> NDArray[np.integer]:
    """Return the first node that is connected with each node, or the node itself."""
    weights = np.ones(len(i), dtype=bool)
    graph = sp.csr_array((weights, (i, j)), shape=(n_nodes, n_nodes))
    n_components, component = connected_components(graph, directed=False)
    first = np.empty(n_components, dtype=i.dtype)
    # Backwards, so that the first node is assigned last.
    first[component[::-1]] = np.arange(n_nodes, dtype=i.dtype)[::-1]
    return first[component]


def _preferred(labels: Indices, is_first: NDArray[np.bool_], order: Order) -> Groups:
    """Represent each group by its preferred row, the first one without an order."""
    if order is None:
        return Groups(labels, is_first)
    representatives = np.empty(np.count_nonzero(is_first), dtype=np.intp)
    representatives[labels[order[::-1]]] = order[::-1]
    return Groups(labels, _mask(representatives, len(labels)))


def _numbered(labels: Indices, representatives: Indices) -> Groups:
    """Renumber groups by their first rows."""
    first = np.empty(len(representatives), dtype=np.intp)
    first[labels[::-1]] = np.arange(len(labels))[::-1]
    by_first = np.argsort(first)
    number = np.empty(len(first), dtype=np.intp)
    number[by_first] = np.arange(len(first))
    return Groups(number[labels], _mask(representatives, len(labels)))


def _mask(rows: Indices, n_rows: int) -> NDArray[np.bool_]:
    mask = np.zeros(n_rows, dtype=bool)
    mask[rows] = True
    return mask


def _too_few(n_keep: int, n_groups: int) -> ValueError:
    return ValueError(
        f"n_keep must be at least {n_groups}, the number of groups at the radius; got "
        f"{n_keep}. Raise radius to keep fewer samples."
    )
