"""Find the hashers of the package by a short name, and construct them."""

import argparse
import re

import numpy as np
from sklearn.utils import get_tags

from _lib.tables import literal


def hashers():
    """Return the hasher classes by short name, for example ``"self-taught"``."""
    from skhash import shallow, variational

    return {
        re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name.removesuffix("Hasher")).lower(): (
            getattr(module, name)
        )
        for module in (variational, shallow)
        for name in module.__all__
        if name.endswith("Hasher")
    }


def shallow_names():
    """Return the short names of the hashers without a neural network."""
    return [
        name
        for name, hasher in hashers().items()
        if hasher.__module__.startswith("skhash.shallow")
    ]


def make_hasher(name, n_bits, seed, settings=()):
    """Construct a hasher; pass only those settings that it has as parameters.

    A setting ``code_assigner__codeword_weight`` is a parameter of a collaborator.
    """
    hasher = hashers()[name](n_bits)
    for prefix, collaborator in _collaborators().items():
        if getattr(hasher, prefix, None) == "auto" and any(
            key.startswith(f"{prefix}__") for key, _ in settings
        ):
            hasher.set_params(**{prefix: collaborator()})
    known = hasher.get_params()
    settings = {"random_state": seed, **dict(settings)}
    return hasher.set_params(**{k: v for k, v in settings.items() if k in known})


def parameters(name):
    """Return the names of the parameters of a hasher and of its collaborators."""
    own = set(hashers()[name]().get_params())
    return own | {
        f"{prefix}__{parameter}"
        for prefix, collaborator in _collaborators().items()
        for parameter in collaborator().get_params()
        if prefix in own
    }


def _setting(text):
    """Return name and value of a text like ``dropout=0.3``."""
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"expected name=value; got {text!r}")
    return name, literal(value)


def add_set_option(parser):
    """Add the option ``--set`` for parameters of the hashers."""
    parser.add_argument(
        "--set",
        nargs="+",
        type=_setting,
        default=[],
        metavar="NAME=VALUE",
        help="parameters, passed to those hashers that have them",
    )


def check_settings(parser, settings, names):
    """End the program if none of the named hashers has the parameter of a setting."""
    for parameter, _ in settings:
        if not any(parameter in parameters(name) for name in names):
            parser.error(f"none of the hashers has a parameter {parameter!r}")


def _collaborators():
    from skhash.variational import CodeAssigner, PseudoLabeler

    return {"code_assigner": CodeAssigner, "pseudo_labeler": PseudoLabeler}


def use_of_labels(name):
    """Return whether a hasher requires labels, and whether it learns from them."""
    hasher = make_hasher(name, n_bits=2, seed=0)
    X, y = np.random.RandomState(0).rand(60, 8), np.arange(60) % 3
    learns = getattr(hasher.fit(X, y), "classes_", None) is not None
    return get_tags(hasher).target_tags.required, learns
