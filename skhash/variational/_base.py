"""What the hashers of the VAE family share: they build and train an autoencoder."""

import logging
from abc import abstractmethod
from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils import check_random_state
from skorch.callbacks import LRScheduler, PrintLog

from skhash.utils._compat import Interval, StrOptions, fit_context
from skhash.utils._labels import check_partial_labels, require_two_classes
from skhash.variational._network_hasher import NetworkHasher
from skhash.variational._trainer import (
    AutoencoderNet,
    EpochAverage,
    WarmupCosine,
    recalibrate_batch_norm,
)
from skhash.variational._validation import (
    all_classes,
    check_callbacks,
    check_device,
    check_layer_sizes,
    check_non_negative,
    smallest_value,
)
from skhash.variational.nn._batches import (
    GlobalStandardScaler,
    NormScaler,
    TrainingRows,
)
from skhash.variational.nn._networks import BernoulliAutoencoder
from skhash.variational.optimizer import RowwiseAdam
from skhash.variational.pseudo_labels._clusters import N_CLUSTERINGS

# Of a vocabulary larger than this a batch has few words, and this many features stand
# for the others.
_LARGE_VOCABULARY = 2**15
_SAMPLED_FEATURES = 4096

# What is only needed to go on training, and does not travel: the optimizer's state is
# large, and callbacks may hold open files.
_TRAINING_STATE = ("_net", "_history_before")

logger = logging.getLogger("skhash")


@contextmanager
def seeded_torch(random_state):
    """Draw torch's random numbers from a seed inside, and leave no trace outside."""
    devices = range(torch.cuda.device_count())
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(random_state.randint(np.iinfo(np.int32).max))
        yield


class BaseVAEHasher(NetworkHasher):
    """Base class of the hashers that train an autoencoder.

    A subclass has the parameters below and gives the objective in `_objective`. Where
    it learns from more than the given labels and rows, it overrides `_training_rows`.
    """

    _network_class = BernoulliAutoencoder

    # Of which a subclass may make a parameter.
    sampled_features = "auto"

    # What the network was made with, and stays while training goes on.
    _NETWORK_PARAMETERS: tuple[str, ...] = (
        "n_bits",
        "reconstruction",
        "hidden_layer_sizes",
        "dropout",
        "feature_dropout",
    )

    _parameter_constraints: dict = {
        **NetworkHasher._parameter_constraints,
        "reconstruction": [StrOptions({"auto", "softmax", "gaussian"})],
        "hidden_layer_sizes": [tuple],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "feature_dropout": [Interval(Real, 0, 1, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "warm_start": ["boolean"],
        "callbacks": [list, tuple, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    @abstractmethod
    def _objective(self):
        """Return the criterion, which has TERMS."""

    def _training_rows(self, X, labels, random_state):
        """Return the rows with what is known or believed of their classes."""
        return TrainingRows(
            X,
            self.scaler_,
            labels.aligned(self.classes_),
            labels.labeled.astype(np.float32),
            n_sampled_features=self._n_sampled_features(X.shape[1]),
            random_state=random_state,
        )

    def _n_sampled_features(self, n_features):
        """Return how many features that a batch lacks are sampled, None for all."""
        if self.sampled_features != "auto":
            return self.sampled_features
        return _SAMPLED_FEATURES if n_features > _LARGE_VOCABULARY else None

    def _fit(self, X, y):
        self._check_settings()
        labels = self._check_labels(y, X)
        require_two_classes(labels)
        if self._goes_on():
            self._check_goes_on(X, labels)
        else:
            self._start(X, y, labels, labels.classes)
        self._train(X, labels, self._n_epochs(X.shape[1]), anneal=True)

    def _goes_on(self):
        """Tell whether `fit` goes on from what an earlier call has learned."""
        return self.warm_start and hasattr(self, "network_")

    def _check_rows(self, X, *, reset):
        return super()._check_rows(X, reset=reset and not self._goes_on())

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, classes=None):
        """Train for one epoch on a chunk of rows.

        For collections larger than memory: call it with one chunk after another, as
        often as wanted. The learning rate stays constant. Signed features are
        standardized by the first chunk.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows of the chunk, at least two.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Their labels, -1 where there is none.
        classes : array-like of shape (n_classes,), default=None
            All classes that any chunk will have, -1 not counted. Needed in the first
            call unless its `y` has a label of each; ignored later.

        Returns
        -------
        self : object
            The fitted hasher.

        Raises
        ------
        ValueError
            If `X` or `y` is invalid or of another kind than before, `y` has a class
            that is not in `classes`, or a parameter that made the network has changed.
        """
        self._check_settings()
        first = not hasattr(self, "network_")
        X = self._check_rows(X, reset=first)
        labels = self._check_labels(y, X)
        if first:
            self._start(X, y, labels, all_classes(labels, classes))
        else:
            self._check_goes_on(X, labels)
        self._train(X, labels, 1, anneal=False)
        return self

    def _check_settings(self):
        """Raise if a parameter is of the right type, but cannot be used."""
        check_layer_sizes(self.hidden_layer_sizes)
        check_callbacks(self.callbacks)
        check_device(self.device)

    def _check_labels(self, y, X):
        if X.shape[0] < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two rows to learn from; got "
                f"n_samples={X.shape[0]}."
            )
        return check_partial_labels(y, X.shape[0])

    def _check_goes_on(self, X, labels):
        """Raise if rows or labels are not what the network was made for."""
        for name, made_with in self._made_with.items():
            value = getattr(self, name)
            if value != made_with:
                raise ValueError(
                    f"{name} must stay {made_with!r}, as the network was made with "
                    f"that training goes on with; got {value!r}. Clone the hasher to "
                    "start anew."
                )
        if labels.kind != "none" and (labels.kind == "multilabel") != self.multilabel_:
            forms = ("one class a row", "an indicator of several classes a row")
            raise ValueError(
                f"y must hold {forms[self.multilabel_]}, as in the first call; got "
                f"{forms[not self.multilabel_]}."
            )
        if self.reconstruction_ == "softmax":
            check_non_negative(
                X, "The first call took it for granted: start anew with 'gaussian'."
            )

    def _start(self, X, y, labels, classes):
        """Forget what was learned before, and look at the rows."""
        self.reconstruction_ = self._choose_reconstruction(X)
        self.classes_ = classes
        # An indicator says so even where no row of it has a label.
        self.multilabel_ = labels.kind == "multilabel" or (
            labels.kind == "none" and np.shape(y)[1:] not in ((), (1,))
        )
        self.scaler_ = (
            NormScaler()
            if self.reconstruction_ == "softmax"
            else GlobalStandardScaler(X)
        )
        self.history_ = []
        self._made_with = {
            name: getattr(self, name) for name in self._NETWORK_PARAMETERS
        }
        for name in ("network_", *_TRAINING_STATE):
            self.__dict__.pop(name, None)
        self._random_state = check_random_state(self.random_state)

    def _network(self, rows):
        """Return a fresh network for training rows."""
        n_features = rows.X.shape[1]
        clusterings = rows.clusterings
        with seeded_torch(self._random_state):
            network = self._network_class(
                n_features,
                self.n_bits,
                0 if self.classes_ is None else len(self.classes_),
                n_clusterings=0 if clusterings is None else N_CLUSTERINGS,
                n_clusters=0 if clusterings is None else clusterings.n_clusters,
                hidden_layer_sizes=self.hidden_layer_sizes,
                dropout=self.dropout,
                feature_dropout=self._feature_dropout(),
                sampler=self._sampler(),
                weight_scale=self.scaler_.weight_scale(n_features),
            )
        # The decoder starts from the average row, and need not learn it.
        with torch.no_grad():
            network.decoder.bias += torch.from_numpy(self.scaler_.mean_output(rows.X))
        return network

    def _n_epochs(self, n_features):
        return self.max_epochs

    def _feature_dropout(self):
        return self.feature_dropout

    def _sampler(self):
        return "straight_through"

    def _choose_reconstruction(self, X):
        if self.reconstruction == "auto":
            return "softmax" if smallest_value(X) >= 0 else "gaussian"
        if self.reconstruction == "softmax":
            check_non_negative(
                X, "Use reconstruction='gaussian' (or 'auto') for signed features."
            )
        return self.reconstruction

    def _train(self, X, labels, n_epochs, *, anneal):
        """Train the network for some epochs, and keep what the user may look at."""
        rows = self._training_rows(X, labels, self._random_state)
        if not hasattr(self, "network_"):
            self.network_ = self._network(rows)
        net = self._ready_net()
        net.max_epochs = n_epochs
        net.callbacks = self._callbacks(anneal)
        net.initialize_callbacks()
        with seeded_torch(self._random_state):
            net.partial_fit(rows)
            recalibrate_batch_norm(net.module_, rows, self.batch_size)
        net.optimizer_.zero_grad(set_to_none=True)
        self.network_ = net.module_.to("cpu").eval()
        columns = ("epoch", "train_loss", *net.criterion.TERMS, "dur")
        done = [epoch for epoch in net.history if "dur" in epoch]
        self.history_ = self._history_before + [
            {name: float(epoch[name]) for name in columns}
            | {"epoch": len(self._history_before) + epoch["epoch"]}
            for epoch in done
        ]
        self.n_iter_ = len(self.history_)

    def _callbacks(self, anneal):
        averages = [(name, EpochAverage(name)) for name in self._objective().TERMS]
        # The user's own schedule, if there is one, takes the place of ours.
        users = check_callbacks(self.callbacks)
        if anneal and not any(isinstance(each, LRScheduler) for each in users):
            averages.append(("annealing", WarmupCosine()))
        return [*averages, *(self.callbacks or ())]

    def _ready_net(self):
        """Return what trains the network, with the parameters as they are now.

        It is made anew where it did not travel, or the device is another.
        """
        net = getattr(self, "_net", None)
        if net is None or net.device != self._device():
            net = self._net = self._make_net()
            self._history_before = self.history_
        net.module_.to(net.device)  # where its optimizer is; it rests on the CPU
        # Not by set_params, with which skorch would start the optimizer anew.
        net.criterion_ = self._objective().to(net.device)
        net.batch_size = self.batch_size
        net.lr = self.learning_rate
        for group in net.optimizer_.param_groups:
            group["lr"] = self.learning_rate
        net.callbacks__print_log = PrintLog(sink=logger.info) if self.verbose else None
        net.verbose = int(self.verbose)
        return net

    def _make_net(self):
        """Return what trains the network, but for what `_ready_net` sets."""
        net = AutoencoderNet(
            self._objective(),
            self.network_,
            optimizer=RowwiseAdam,
            optimizer__fused=True,
            train_split=None,
            callbacks__print_log=None,
            callbacks__valid_loss=None,
            # As skorch's own, but without a mark, and a color, for the best epoch.
            callbacks__train_loss=EpochAverage("train_loss"),
            device=self._device(),
        )
        return net.initialize()

    def __getstate__(self):
        state = super().__getstate__()
        return {name: state[name] for name in state if name not in _TRAINING_STATE}
