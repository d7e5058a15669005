"""Measure the latency of single requests: encoding, search, and a service.

    SKHASH_DATA=path/to/data python benchmarks/bench_latency.py \
        --dataset 20newsgroups --hashers ssbvae itq --csv latency.csv

Cases:

- encode: `transform` of one row by each hasher, fitted with a tenth of the labels;
- search: the ten nearest codes of one code, by HammingNearestNeighbors;
- retrieve: `HammingRetriever.kneighbors` of one text, from the text to the neighbors;
- service: the service of docs/retrieval.md over loopback, in a process of its own. Two
  clients ask for the ten nearest of one text at a time, while a third adds and removes
  ten texts as fast as it can. Each answer is compared with exact search before and
  after the change.

Prints the median, the 90th and the 99th percentile of the wall time in milliseconds,
and the median CPU time; for the service the requests per second and wrong answers, too.
"""

import argparse
import http.client
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from _lib.hashers import hashers, make_hasher
from _lib.reference_data import LOADERS, TEXT_LOADERS
from _lib.tables import print_table, write_csv

N_NEIGHBORS = 10
COLUMNS = (
    *("dataset", "case", "hasher", "bits", "rows", "requests", "p50_ms", "p90_ms"),
    *("p99_ms", "p50_cpu_ms", "per_second", "wrong"),
)
_PAGE = Path(__file__).parents[1] / "docs" / "retrieval.md"
_N_CLIENTS, _N_CHANGED = 2, 10


def percentiles(seconds, cpu_seconds=None):
    """Return the figures of a list of durations as strings."""
    milliseconds = 1e3 * np.percentile(seconds, [50, 90, 99])
    figures = dict(
        zip(("p50_ms", "p90_ms", "p99_ms"), map("{:.3f}".format, milliseconds))
    )
    if cpu_seconds is not None:
        figures["p50_cpu_ms"] = f"{1e3 * np.median(cpu_seconds):.3f}"
    return figures


def measure(function, requests):
    """Return the figures of calls with one request each, after 10 to warm up."""
    for request in requests[:10]:
        function(request)
    seconds, cpu_seconds = [], []
    for request in requests:
        cpu, start = time.process_time(), time.perf_counter()
        function(request)
        seconds.append(time.perf_counter() - start)
        cpu_seconds.append(time.process_time() - cpu)
    return percentiles(seconds, cpu_seconds)


def few_labels(y, seed=0):
    """Keep a tenth of the labels."""
    kept = np.random.default_rng(seed).random(len(y)) < 0.1
    return np.where(kept, y, -1)


def encode_and_search(arguments):
    """Yield the results of the cases encode and search."""
    from skhash import HammingNearestNeighbors

    data = LOADERS[arguments.dataset]()
    order = np.random.default_rng(0).integers(
        data.X_test.shape[0], size=arguments.requests
    )
    rows = [data.X_test[i : i + 1] for i in order]
    for name in arguments.hashers:
        hasher = make_hasher(name, arguments.bits, seed=0).set_params(output="packed")
        codes = hasher.fit(data.X_train, few_labels(data.y_train)).transform(
            data.X_train
        )
        about = {"hasher": name, "rows": len(codes)}
        yield {"case": "encode", **about, **measure(hasher.transform, rows)}
        index = HammingNearestNeighbors(N_NEIGHBORS, packed=True).fit(codes)
        queries = [hasher.transform(row) for row in rows]
        yield {"case": "search", **about, **measure(index.kneighbors, queries)}


def fit_retriever(texts, y, name, n_bits):
    """Return a fitted retriever of texts; ids are the positions."""
    from skhash import HammingRetriever

    hasher = make_hasher(name, n_bits, seed=0).set_params(output="packed")
    vectorizer = TfidfVectorizer(max_features=10_000, sublinear_tf=True)
    retriever = HammingRetriever(make_pipeline(vectorizer, hasher))
    ids = [str(i) for i in range(len(texts))]
    return retriever.fit(texts, few_labels(y), ids=ids)


def retrieve_and_serve(arguments):
    """Yield the results of the cases retrieve and service."""
    texts = TEXT_LOADERS[arguments.dataset]()
    order = np.random.default_rng(0).integers(
        len(texts.X_test), size=arguments.requests
    )
    queries = [[texts.X_test[i]] for i in order]
    for name in arguments.hashers:
        retriever = fit_retriever(texts.X_train, texts.y_train, name, arguments.bits)
        about = {"hasher": name, "rows": len(texts.X_train)}
        yield {"case": "retrieve", **about, **measure(retriever.kneighbors, queries)}
        new = [str(text) for text in texts.X_test[:_N_CHANGED]]
        yield {"case": "service", **about, **serve(retriever, queries, new)}


class Client:
    """Post JSON to a local port over one connection."""

    def __init__(self, port):
        self.port = port

    def post(self, route, **arguments):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", route, json.dumps(arguments))
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        if response.status != 200:
            raise RuntimeError(f"{route} answered {response.status}: {answer}")
        return answer


def serve(retriever, queries, new):
    """Return the figures of the service while texts are added and removed."""
    from skhash.io import save

    new_ids = [f"new {i}" for i in range(len(new))]
    unlabeled = [-1] * len(new)
    before = answers(retriever, queries)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "retriever.skhash"
        save(path, retriever)
        after = answers(retriever.partial_fit(new, unlabeled, ids=new_ids), queries)
        with Service(Path(folder), path) as client:
            return load_test(client, queries, (before, after), new, new_ids)


def answers(retriever, queries):
    """Return the answers of exact search, as JSON gives them back."""
    texts = [text for (text,) in queries]
    distances, ids = retriever.kneighbors(texts, N_NEIGHBORS, return_ids=True)
    return [
        {"ids": [of_ids], "distances": [of_distances]}
        for of_ids, of_distances in zip(ids.tolist(), distances.tolist())
    ]


class Service:
    """Run the code of the documentation in a process of its own.

    Parameters
    ----------
    folder : Path
        Where the code is written.
    path : Path
        The saved retriever.
    """

    def __init__(self, folder, path):
        blocks = re.findall(r"```python\n(.*?)```", _PAGE.read_text("utf-8"), re.DOTALL)
        (code,) = (block for block in blocks if "class Service" in block)
        start, _ = code.split('if __name__ == "__main__":')
        self.script, self.path = folder / "service.py", path
        self.script.write_text(
            f"{start}\nservice = Service(sys.argv[1])\n"
            "server = make_server('127.0.0.1', 0, service, Server)\n"
            "print(server.server_port, flush=True)\nserver.serve_forever()\n"
        )

    def __enter__(self):
        command = [sys.executable, self.script, self.path]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        return Client(int(self.process.stdout.readline()))

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def load_test(client, queries, expected, new, new_ids):
    """Ask from two threads while a third changes the index; return the figures."""
    seconds, wrong, failures, done = [], [], [], threading.Event()

    def ask(first):
        try:
            for i in range(first, len(queries), _N_CLIENTS):
                start = time.perf_counter()
                answer = client.post("/search", texts=queries[i], k=N_NEIGHBORS)
                seconds.append(time.perf_counter() - start)
                if all(answer != right[i] for right in expected):
                    wrong.append(i)
        except Exception as error:
            failures.append(error)

    def change():
        try:
            while not done.is_set():
                client.post("/add", texts=new, ids=new_ids, labels=[-1] * len(new))
                client.post("/remove", ids=new_ids)
        except Exception as error:
            failures.append(error)

    askers = [threading.Thread(target=ask, args=(i,)) for i in range(_N_CLIENTS)]
    changer = threading.Thread(target=change)
    start = time.perf_counter()
    for thread in (changer, *askers):
        thread.start()
    for thread in askers:
        thread.join()
    per_second = len(queries) / (time.perf_counter() - start)
    done.set()
    changer.join()
    if failures:
        raise failures[0]
    figures = {"per_second": f"{per_second:.0f}", "wrong": len(wrong)}
    return percentiles(seconds) | figures


def parse(argv):
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "--dataset",
        default="20newsgroups",
        choices=sorted(TEXT_LOADERS),
        metavar="NAME",
    )
    add("--hashers", nargs="+", default=["ssbvae"], choices=hashers(), metavar="NAME")
    add("--bits", type=int, default=64)
    add("--requests", type=int, default=1000)
    add("--csv", type=Path, help="write one line per case and hasher")
    return parser.parse_args(argv)


def main(argv=None):
    """Run what the command line asks for; return the exit status."""
    import torch

    torch.set_num_threads(1)
    arguments = parse(argv)
    about = {"dataset": arguments.dataset, "bits": arguments.bits}
    results = [
        about | {"requests": arguments.requests} | result
        for part in (encode_and_search, retrieve_and_serve)
        for result in part(arguments)
    ]
    header = COLUMNS[1:]
    print_table(header, [[str(r.get(key, "")) for key in header] for r in results])
    if arguments.csv:
        write_csv(arguments.csv, COLUMNS, results)
    return int(any(result.get("wrong") for result in results))


if __name__ == "__main__":
    sys.exit(main())
