"""Test the service of docs/retrieval.md, over loopback."""

import http.client
import importlib.util
import json
import pickle
import re
import sys
import threading
import types
from contextlib import contextmanager
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from skhash import HammingRetriever, RandomProjectionHasher

PAGE = Path(__file__).parents[2] / "docs" / "retrieval.md"
K = 8


def pickled_io():
    """Return a stand-in for skhash.io where that is not installed."""
    module = types.ModuleType("skhash.io")
    module.load = lambda path: pickle.loads(Path(path).read_bytes())
    module.save = lambda path, model: Path(path).write_bytes(pickle.dumps(model))
    return module


@pytest.fixture
def service_module(monkeypatch):
    if not PAGE.exists():
        pytest.skip("the documentation is not installed")
    if importlib.util.find_spec("skhash.io") is None:
        monkeypatch.setitem(sys.modules, "skhash.io", pickled_io())
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (code,) = (block for block in blocks if "class Service" in block)
    names = {"__name__": "service"}
    exec(compile(code, str(PAGE), "exec"), names)
    return names


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


@contextmanager
def served(module, path):
    app = module["Service"](path)
    server = make_server("127.0.0.1", 0, app, module["Server"], Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def post(port, route, **arguments):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", route, json.dumps(arguments))
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


@pytest.fixture
def corpus():
    rng = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(40)])
    return [" ".join(rng.choice(words, 6)) for _ in range(60)]


def fitted(texts):
    hasher = RandomProjectionHasher(64, output="packed", random_state=0)
    encoder = make_pipeline(TfidfVectorizer(), hasher)
    return HammingRetriever(encoder).fit(
        texts, ids=[f"t{i}" for i in range(len(texts))]
    )


def save(module, path, retriever):
    module["save"](path, retriever)
    return str(path)


def answers(retriever, texts):
    """Return the answer to each text alone by numpy."""
    codes = np.unpackbits(retriever.index_.codes_, axis=1)
    queries = np.unpackbits(retriever.encoder_.transform(texts), axis=1)
    distances = (queries[:, None] != codes).sum(axis=2)
    order = np.argsort(distances, axis=1, kind="stable")[:, :K]
    nearest = np.take_along_axis(distances, order, axis=1)
    pairs = zip(retriever.ids_[order].tolist(), nearest.tolist())
    return [{"ids": [ids], "distances": [some]} for ids, some in pairs]


def test_results_during_changes_are_correct(service_module, corpus, tmp_path):
    retriever = fitted(corpus[:40])
    path = save(service_module, tmp_path / "retriever.skhash", retriever)
    new, ids = corpus[40:], [f"new{i}" for i in range(20)]
    before = answers(retriever, corpus)
    after = answers(retriever.partial_fit(new, ids=ids), corpus)
    assert before != after
    errors, seen, stop = [], set(), threading.Event()

    def ask(port, first):
        try:
            i = first
            while not stop.is_set():
                i = (i + 1) % len(corpus)
                status, answer = post(port, "/search", texts=[corpus[i]], k=K)
                assert status == 200
                assert answer in (before[i], after[i])
                if before[i] != after[i]:
                    seen.add(answer == after[i])
        except BaseException as error:
            errors.append(error)

    with served(service_module, path) as port:
        workers = [threading.Thread(target=ask, args=(port, i)) for i in (0, 30)]
        for worker in workers:
            worker.start()
        try:
            for turn in range(12):
                assert post(port, "/add", texts=new, ids=ids)[0] == 200
                if turn % 3 == 0:
                    assert post(port, "/save")[0] == 200
                    assert post(port, "/reload")[0] == 200
                assert post(port, "/remove", ids=ids)[0] == 200
        finally:
            stop.set()
            for worker in workers:
                worker.join()
    assert not errors
    assert seen == {False, True}


def test_routes(service_module, corpus, tmp_path):
    path = save(service_module, tmp_path / "retriever.skhash", fitted(corpus[:5]))
    with served(service_module, path) as port:
        status, answer = post(port, "/search", texts=["word1"], k=7)
        assert status == 200
        assert answer["ids"][0][5:] == ["", ""]
        assert answer["distances"][0][5:] == [65, 65]
        status, answer = post(port, "/add", texts=["a", "b"], ids=["b", "t4"])
        assert (status, "'t4' is in the index" in answer["error"]) == (400, True)
        assert post(port, "/remove", ids=["t1", "b"])[0] == 400
        assert post(port, "/search", text="word1")[0] == 400
        assert post(port, "/nothing")[0] == 404
        assert post(port, "/remove", ids=["t1"]) == (200, None)
        assert post(port, "/reload")[0] == 200
        assert "t1" in post(port, "/search", texts=["word1"], k=5)[1]["ids"][0]
        post(port, "/remove", ids=["t1"])
        post(port, "/save")
        post(port, "/reload")
        assert "t1" not in post(port, "/search", texts=["word1"], k=5)[1]["ids"][0]
