"""Define the tables in docs/: which results each shows, and how."""

from functools import cache, partial
from pathlib import Path
from statistics import fmean

from _lib import (
    ablation_tables,
    duplicate_tables,
    quality_report,
    scale_tables,
    view_tables,
)
from _lib.hashers import hashers
from _lib.tables import cells_of, mark_best, markdown_table, read_csv

RESULTS = Path(__file__).parents[1] / "results"
SEEDS = "0 1 2"


@cache
def _rows(name):
    return read_csv(RESULTS / f"{name}.csv")


@cache
def _runs():
    return quality_report.read_runs([RESULTS / "quality.csv"])


def _select(rows, **wanted):
    """Return the rows with the wanted values; a tuple allows each of its values."""
    return [
        row
        for row in rows
        if all(
            row.get(key) in (value if isinstance(value, tuple) else (value,))
            for key, value in wanted.items()
        )
    ]


def _pivot(corner, rows, columns, cell):
    """Return a table; `rows` and `columns` map labels to the filters of cells."""
    lines = [
        [label, *(cell(**(of_row | of_column)) for of_column in columns.values())]
        for label, of_row in rows.items()
    ]
    return markdown_table([corner, *columns], lines)


@cache
def _class_names():
    return {name: f"`{hasher.__name__}`" for name, hasher in hashers().items()}


def _with_classes(lines):
    """Return a table whose first column has names of classes for short names."""
    rows = [cells_of(line) for line in lines[2:]]
    named = [[_class_names().get(first, first), *others] for first, *others in rows]
    return lines[:2] + markdown_table(cells_of(lines[0]), named)[2:]


def _marked(table, **options):
    """Return a function that makes a table with its best values in bold."""
    return lambda: mark_best(table(), **options)


def _columns(rows, names, header):
    """Return a table of some columns of a CSV file."""
    return markdown_table(header, [[row[name] for name in names] for row in rows])


# docs/hashers.md


def hashers_table(run, labels, datasets, bits):
    """Return precision@100 by method, for data sets and lengths."""
    bits = (*bits, "float")
    runs = _select(_runs(), run=run, dataset=datasets, bits=bits, labels=labels)
    lines = quality_report.precision_markdown(f"{labels} % of labels", runs)
    return mark_best(_with_classes(lines))


def seconds_table():
    """Return seconds to fit and to encode by method."""
    lines = []
    for run in _runs():
        if "fit_seconds" in run:
            (about,) = _select(_rows("runs"), run=run["seconds_run"])
            threads = (
                "" if about["threads"] == "1" else f" ({about['threads']} threads)"
            )
            seconds = f"{run['fit_seconds']:.2f} / {run['encode_seconds']:.2f}"
            lines.append([run["method"], seconds + threads])
    lines = markdown_table(["fit / encode, seconds", "20newsgroups, 32"], lines)
    return _with_classes(lines)


def reranking_table(run, header):
    """Return the comparison of short lists with exact search."""
    names = ("search", "precision_at_10", "of_exact_percent", "found_percent")
    names += ("batch_ms", "batch_speedup", "single_ms", "single_speedup")
    rows = _select(_rows("reranking"), run=run)
    return _columns(rows, names[: len(header)], header)


def default_hasher_table():
    """Return the percent of true neighbors that re-ranked search finds by hasher."""
    rows = _rows("default_hasher")
    names = list(dict.fromkeys(row["hasher"] for row in rows))
    lines = []
    for (dataset,) in quality_report.group(rows, "dataset"):
        group = _select(rows, dataset=dataset)
        found = [
            f"{row['found_percent']} ({row['fit_seconds']} s)"
            for name in names
            for row in _select(group, hasher=name)
        ]
        (default,) = _select(group, hasher="default")
        label = f"{dataset}, {default['n_samples']}"
        lines.append([label, *found, f"`{default['chosen']}`"])
    table = markdown_table(["data set, samples", *names, "chosen"], lines)
    return mark_best(table, names, across=True)


def shallow_scaling_table():
    """Return time and memory of the shallow hashers."""
    names = ("hasher", "fit_seconds", "encode_seconds", "memory_mb")
    header = ["hasher", "fit, s", "encode, s", "MB above the input"]
    return _with_classes(_columns(_rows("shallow_scaling"), names, header))


# docs/quality.md


def _quality(labels, **about):
    """Return precision@100 of the one run, or an empty text."""
    defaults = {"bits": (32, "float"), "noise": 0.0, "unseen": False, "settings": None}
    defaults |= {"validation": "no", "max_rows": None, "seed": SEEDS}
    runs = _select(_runs(), labels=labels, **(defaults | about))
    if len(runs) > 1:
        raise ValueError(f"Several runs fit {about | {'labels': labels}}: {runs}.")
    return quality_report.mean_and_std(runs, quality_report.PRECISION)


def _percents(*percents):
    return {f"{percent} %": {"labels": percent} for percent in percents}


def methods_table(title, dataset):
    """Return precision@100 of the hasher and of baselines by percentage of labels."""
    methods = ("ssbvae", "oracle-features", "oracle-latent", "itq", "pca")
    methods += ("float-cosine", "random-ranking")
    rows = {name: {"method": name, "dataset": dataset, "seed": 0} for name in methods}
    rows["ssbvae"]["seed"] = SEEDS
    percents = _percents(0, 1, 2, 10, 30, 50, 100)
    return mark_best(_with_classes(_pivot(title, rows, percents, _quality)))


def other_data_table():
    """Return precision@100 on other data sets."""
    small = {"max_rows": 10_000, "seed": 0}
    rows = {
        "tmc2007, several labels per sample": {"dataset": "tmc2007", "seed": 0},
        "cifar10, dense, seeds 0 1 2": {"dataset": "cifar10"},
        "ag-news, 10,000 samples": {"dataset": "ag-news"} | small,
        "fashion-mnist, 10,000 samples": {"dataset": "fashion-mnist"} | small,
        "20 Newsgroups without headers, seeds 0 1 2": {"dataset": "20newsgroups-bare"},
    }
    rows = {label: {"method": "ssbvae"} | row for label, row in rows.items()}
    return _pivot("32 bits, seed 0", rows, _percents(0, 1, 10, 100), _quality)


def length_table():
    """Return precision@100 by length of the codes."""
    rows = {
        f"{dataset}, {labels} %": {"dataset": dataset, "labels": labels}
        for dataset in ("20newsgroups", "web-snippets")
        for labels in (1, 10, 100)
    }
    columns = {f"{bits} bits": {"bits": bits} for bits in (16, 32, 64)}
    return _pivot("", rows, columns, partial(_quality, method="ssbvae"))


def noise_table():
    """Return precision@100 with wrong labels."""
    rows = {
        "10 % labels": {},
        "10 % labels, a fifth of them wrong (`--noise 0.2`)": {"noise": 0.2},
    }
    columns = {name: {"dataset": name} for name in ("20newsgroups", "web-snippets")}
    cell = partial(_quality, method="ssbvae", labels=10)
    return _pivot("mean of seeds 0 1 2", rows, columns, cell)


def unseen_table():
    """Return precision@100 on classes that were not fitted."""
    labels = {"no labels": 0, "10 % labels": 10, "all labels": 100}
    rows = {label: {"labels": percent} for label, percent in labels.items()}
    sizes = {"20newsgroups": None, "web-snippets": None}
    sizes |= {"cifar10": 15_000, "fashion-mnist": 15_000}
    columns = {
        name: {"dataset": name, "max_rows": size} for name, size in sizes.items()
    }
    cell = partial(_quality, method="ssbvae", unseen=True)
    return _pivot("mean of seeds 0 1 2", rows, columns, cell)


def similarity_table():
    """Return how similar the samples are that codes find, means over the seeds."""
    names = ("P@1", "P@10", "P@100", "R@10", "R@100", "nDCG@10")
    runs = {}
    for row in _rows("similarity"):
        key = (row["dataset"], row["hasher"], row["bits"], row["labels"])
        runs.setdefault(key, []).append(row)

    def mean(rows, name, digits):
        values = [float(row[name]) for row in rows if row[name]]
        return f"{fmean(values):.{digits}f}" if values else ""

    lines = []
    for (*about, labels), rows in runs.items():
        about.append(f"{float(labels):g} %" if labels else "")
        values = [mean(rows, name, 3) for name in names]
        lines.append([*about, *values, mean(rows, "codes", 0)])
    header = ["", "codes of", "bits", "labels", *names, "distinct codes"]
    return markdown_table(header, lines)


def mixture_table():
    """Return what bits of content add to those of the class, on validation queries."""
    names = ["P@1", "P@10", "P@100", "R@100"]
    names += [f"worst {name}" for name in names]
    rows = _rows("mixture")
    return _columns(rows, ["labels", "bits", *names], ["labels, %", "bits", *names])


def replaced_table():
    """Return what 8 mixed bits in the place of bits of the network change."""
    names = ["dataset", "errors", "P@100", "R@100", "codes", "replaced"]
    header = [
        "all labels",
        "expected errors",
        *names[2:4],
        "distinct codes",
        "replaced",
    ]
    return _columns(_rows("replaced"), names, header)


def mixture_parts_table():
    """Return what the parts of the mixture change."""
    names = ["part", "labels", "without", "with"]
    return _columns(_rows("mixture_parts"), names, ["part", "labeled", *names[2:]])


def evidence_table():
    """Return the evidence for a mixture of all bits, and what the mixture gives."""
    names = ["dataset", "gain", "P@1", "P@10", "P@100", "R@100"]
    return _columns(_rows("evidence"), names, ["", *names[1:]])


def recipe_table():
    """Return the studies of how the defaults were chosen."""
    names = ["switch", "labels", "without", "with"]
    header = ["switch", "labeled", "without", "with"]
    return _columns(_rows("recipe"), names, header)


# docs/search.md and docs/training.md


def _search_case(row):
    n = int(row["n_codes"])
    size = f"{n // 10**6}M" if n >= 10**6 else f"{n // 10**3}k"
    if row["data"] == "repeated":
        return f"{size} x {row['n_bits']} bits, 50,000 distinct, k={row['k']}"
    what = f"k={row['k']}" if row["k"] else f"radius {row['radius']}"
    text = f"{size} x {row['n_bits']} bits, {what}, "
    text += "one query" if row["n_queries"] == "1" else f"{row['n_queries']} queries"
    if "multi_index" in row["method"]:
        text += ", multi-index"
    return text if row["simd"] in ("", "avx512") else f"{text}, {row['simd']}"


def search_table():
    """Return the time of the cases of search, and the ratio to other packages."""
    lines = []
    for row in _select(_rows("search"), run="search"):
        if row["method"] == row["reference"] or not row["method"].startswith("skhash"):
            continue
        ratio = row["ratio"]
        if row["reference"] != "faiss flat":
            ratio += f" ({row['reference']})"
        lines.append([_search_case(row), row["us_per_query"], ratio])
    return markdown_table(["case", "us per query", "faiss / skhash"], lines)


def search_kernels_table():
    """Return the time of forced kernels by length, and the ratio to faiss."""
    rows = _select(_rows("search"), run="search-kernels", method="skhash brute")
    lengths = sorted({int(row["n_bits"]) for row in rows})

    def cell(n_bits, simd):
        (row,) = _select(rows, n_bits=n_bits, simd=simd, k="10", n_queries="1000")
        return f"{row['us_per_query']} ({row['ratio']})"

    kernels = {f"`{name}`": {"simd": name} for name in ("avx512", "avx512f", "avx2")}
    return _pivot("bits", {str(n): {"n_bits": str(n)} for n in lengths}, kernels, cell)


def search_pairs_table():
    """Return the seconds of joins."""
    names = ("case", "seconds", "join", "count_only", "graph", "pairs")
    header = ["case", "fit and pairs", "pairs", "`count_only`", "graph", "pairs found"]
    return _columns(_rows("search_pairs"), names, header)


def search_floats_table():
    """Return recall and time of searches for real-valued queries by data set."""
    rows = _rows("search_floats")
    names = list(dict.fromkeys(row["data"] for row in rows))

    def cell(method, data):
        (row,) = _select(rows, method=method, data=data)
        return f"{row['recall_percent']} / {row['us_per_query']} ({row['bytes']} B)"

    methods = {row["method"]: {"method": row["method"]} for row in rows}
    return _pivot("method", methods, {name: {"data": name} for name in names}, cell)


def training_table(case, first, measures):
    """Return the table of a case of bench_training.py."""
    cells = _select(_rows("training"), case=case)
    rows = {name: {"name": name} for (name,) in quality_report.group(cells, "name")}
    columns = {measure: {"measure": measure} for measure in measures}

    def value(**about):
        found = _select(cells, **about)
        return found[0]["value"] if found else ""

    return _pivot(first, rows, columns, value)


def parts_table():
    """Return the milliseconds of the parts of a training step, by processor."""
    cells = _select(_rows("training"), case="parts")
    rows = {name: {"name": name} for (name,) in quality_report.group(cells, "name")}
    columns = {"Zen 5": "training-parts-zen5", "Zen 3": "training-parts-zen3"}
    columns = {name: {"run": run} for name, run in columns.items()}
    return _pivot(
        "512 x 10000, 82 words per sample, 2 threads; ms, forward and backward",
        rows,
        columns,
        lambda **about: _select(cells, **about)[0]["value"],
    )


_HASHERS = ("20newsgroups", "web-snippets", "ag-news", "tmc2007", "cifar10")
_HASHERS += ("fashion-mnist",)
_EMBEDDINGS = ("20newsgroups-minilm",)
_RERANKING = ["short list by", "precision@10", "% of exact", "% found"]
_SPEED = ["ms per query, batch", "times", "ms, alone", "times"]
_FIT = ("seconds", "times", "P@100", "MB")

# docs/export.md


def export_table():
    """Return the verification of each engine."""
    names = ("engine", "export_seconds", "query_ms", "recall", "overlap")
    names += ("distance_agreement",)
    header = ["engine", "export, s", "query, ms", "recall", "overlap"]
    return _columns(_rows("export"), names, [*header, "distance agreement"])


# docs/files.md


def io_table():
    """Return the size of files, and the time to save and to load."""
    names = ("case", "size", "save_ms", "load_ms", "mapped_ms", "first_query_ms")
    header = ["", "file / arrays", "save, ms", "load, ms", "map, ms", "first query, ms"]
    return _columns(_rows("io"), names, header)


# docs/guide/embeddings.md


def thresholds_table():
    """Return recall by data set and length, of the chosen and of the fixed rules."""
    rows = _rows("thresholds")
    rules = ("zero", "mean", "median", "random", "centered_random", "pca_random", "itq")
    columns = ("auto", *rules, "ITQHasher")
    lines = []
    for dataset, n_bits in quality_report.group(rows, "dataset", "n_bits"):
        group = _select(rows, dataset=dataset, n_bits=n_bits)
        recalls = {row["rule"]: row["recall"] for row in group}
        (auto,) = _select(group, rule="auto")
        line = [f"{dataset}, {n_bits} of {auto['n_features']}", auto["chosen"]]
        lines.append([*line, *(recalls.get(rule, "") for rule in columns)])
    header = ["data set, bits", "chosen", *columns]
    return markdown_table(header, lines)


# docs/guide/inspection.md


def labels_table(measures):
    """Return some measures (header: name) of bench_labels.py by data set."""
    rows = _rows("labels")

    def cell(**about):
        found = _select(rows, **about)
        return f"{float(found[0]['value']):.3f}" if found else ""

    datasets = {row["dataset"]: {"dataset": row["dataset"]} for row in rows}
    columns = {header: {"measure": name} for header, name in measures.items()}
    return _pivot("data set", datasets, columns, cell)


def label_errors_table():
    """Return the precision of the first wrong labels found, the best value in bold."""
    methods = ("label_errors", "cleanlab")
    lines = labels_table(
        {f"{m}, first {n}": f"{m}: errors@{n}" for n in ("100", "n") for m in methods}
    )
    for n in ("100", "n"):
        lines = mark_best(lines, [f"{m}, first {n}" for m in methods], across=True)
    return lines


_CPU = {"columns": ["CPU seconds"], "best": min, "within": (0,)}
_SIMILARITY = {
    "columns": ["P@1", "P@10", "P@100", "R@10", "R@100", "nDCG@10"],
    "within": (0, 2, 3),
}

TABLES = {
    "duplicates-indexes": duplicate_tables.indexes_table,
    "duplicates-jobs": _marked(duplicate_tables.jobs_table, **_CPU),
    "duplicates-learned": duplicate_tables.learned_table,
    "duplicates-trees": _marked(duplicate_tables.trees_table, best=min),
    "scale-index": scale_tables.index_table,
    "scale-encode": scale_tables.encode_table,
    "scale-pipeline": scale_tables.pipeline_table,
    "scale-classes": scale_tables.classes_table,
    "scale-quality": scale_tables.quality_table,
    "export": export_table,
    "io": io_table,
    "thresholds": _marked(thresholds_table, across=True),
    "default-hasher": default_hasher_table,
    "labels-errors": label_errors_table,
    "labels-suggestions": _marked(
        partial(
            labels_table, {n: n for n in ("random 6 %", "random 10 %", "suggested 6 %")}
        ),
        across=True,
    ),
    **{
        f"hashers-{labels}": partial(hashers_table, "hashers", labels, _HASHERS, (32,))
        for labels in (0, 1, 10, 100)
    },
    "hashers-seeds": partial(
        hashers_table, "hashers-seeds", 0, ("20newsgroups",), (32,)
    ),
    **{
        f"hashers-length-{labels}": partial(
            hashers_table, "hashers-length", labels, _HASHERS[:2], (16, 64)
        )
        for labels in (0, 1, 10, 100)
    },
    **{
        f"hashers-embeddings-{labels}": partial(
            hashers_table, "hashers-embeddings", labels, _EMBEDDINGS, (32, 64, 128)
        )
        for labels in (0, 10)
    },
    "hashers-seconds": seconds_table,
    "reranking-bits": partial(reranking_table, "reranking-bits", _RERANKING),
    "reranking-large": partial(
        reranking_table, "reranking-large", ["search", *_RERANKING[1:], *_SPEED]
    ),
    "shallow-scaling": shallow_scaling_table,
    "quality-20newsgroups": partial(
        methods_table, "20 Newsgroups, headers kept", "20newsgroups"
    ),
    "quality-web-snippets": partial(methods_table, "web-snippets", "web-snippets"),
    "quality-other": other_data_table,
    "quality-length": length_table,
    "quality-noise": noise_table,
    "quality-unseen": unseen_table,
    "similarity": _marked(similarity_table, **_SIMILARITY),
    "mixture": mixture_table,
    "replaced": replaced_table,
    "mixture-parts": mixture_parts_table,
    "evidence": evidence_table,
    "views": partial(view_tables.views_table, "P@100"),
    "views-first": partial(view_tables.views_table, "P@1"),
    "views-predict": view_tables.predict_table,
    "views-fine-tuned": view_tables.fine_tuned_table,
    "ablation": ablation_tables.ablation_table,
    "recipe": recipe_table,
    "search": search_table,
    "search-kernels": search_kernels_table,
    "search-floats": search_floats_table,
    "search-pairs": search_pairs_table,
    "training-parts": parts_table,
    "training-epoch": partial(
        training_table, "epoch", "method", ("s/epoch", "times", "P@100", "MB")
    ),
    "training-transform": partial(
        training_table, "transform", "step", ("samples/s", "MB", "times")
    ),
    "training-fit": partial(training_table, "fit", "method", _FIT),
    "training-features": partial(training_table, "features", "size", _FIT),
    "training-rows": partial(training_table, "rows", "size", _FIT),
    "training-grid": partial(training_table, "grid", "n_jobs", _FIT[:2]),
    "training-documents": partial(
        training_table, "documents", "step", ("seconds", "samples/s", "MB")
    ),
}
