"""Check that networks are rebuilt layer by layer, from listed layers only."""

import numpy as np
import pytest
import torch
from torch import nn

from skhash import io
from skhash.io import InvalidFileError
from skhash.io._file import ArrayFile, write_file
from skhash.variational.nn._networks import BernoulliAutoencoder, GaussianAutoencoder


@pytest.mark.parametrize("network_type", [BernoulliAutoencoder, GaussianAutoencoder])
@pytest.mark.parametrize("n_classes", [0, 3])
def test_round_trip(network_type, n_classes, round_trip):
    network = network_type(20, 8, n_classes, hidden_layer_sizes=(6, 5)).eval()
    loaded = round_trip(network)
    assert repr(loaded) == repr(network)
    expected, found = network.state_dict(), loaded.state_dict()
    assert list(expected) == list(found)
    for name in expected:
        assert torch.equal(expected[name], found[name])
    assert [p.requires_grad for p in loaded.parameters()] == [
        p.requires_grad for p in network.parameters()
    ]
    X = torch.randn(7, 20)
    for one, other in zip(network.encode(X), loaded.encode(X)):
        assert torch.equal(one, other)


def test_training_mode_and_shared_parameters(round_trip):
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    loaded = round_trip(nn.Sequential(first, second.eval()))
    assert loaded[0].weight is loaded[1].weight
    assert loaded[0].training
    assert not loaded[1].training


def test_tensors(round_trip):
    tensors = [torch.arange(3), torch.tensor(1.5), torch.zeros(2, requires_grad=True)]
    for one, other in zip(tensors, round_trip(tensors)):
        assert torch.equal(one, other)
        assert one.requires_grad == other.requires_grad


def test_unknown_layers_and_hooks_raise(round_trip):
    with pytest.raises(TypeError, match=r"Sequential\.0 cannot be saved.*Softplus"):
        round_trip(nn.Sequential(nn.Softplus()))
    layer = nn.Linear(2, 2)
    layer.register_forward_hook(print)
    with pytest.raises(TypeError, match="hooks"):
        round_trip(layer)


@pytest.mark.parametrize(
    "change",
    [
        lambda node: node.update({"class": "torch.load"}),
        lambda node: node["state"].update(forward=1),
        lambda node: node["state"].update(_forward_hooks=None),
        lambda node: node["parameters"].update(weight=1),
        lambda node: node["parameters"].update({"a.b": None}),
        lambda node: node["layers"].update(weight={"ref": 0}),
        lambda node: node.pop("buffers"),
    ],
)
def test_forged_layers(change, tmp_path):
    path = tmp_path / "layer"
    io.save(path, nn.Linear(2, 2))
    with ArrayFile(path) as file:
        graph = file.graph()
        arrays = [file.array(i) for i in range(2)]
    change(graph["nodes"][-1])
    write_file(path, graph, arrays, {})
    with pytest.raises(InvalidFileError):
        io.load(path)


def test_weights_take_the_memory_of_the_file(tmp_path):
    """Sizes in attributes allocate nothing."""
    path = tmp_path / "layer"
    io.save(path, nn.Linear(2, 2))
    with ArrayFile(path) as file:
        graph = file.graph()
        arrays = [file.array(i) for i in range(2)]
    graph["nodes"][-1]["state"]["in_features"] = 2**50
    write_file(path, graph, arrays, {})
    layer = io.load(path)
    assert layer.weight.shape == (2, 2)
    with pytest.raises(RuntimeError):
        layer(torch.zeros(1, 5))
    assert np.isfinite(layer(torch.zeros(1, 2)).detach().numpy()).all()
