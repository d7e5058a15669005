"""Base class of the hashers that train an autoencoder."""

from abc import abstractmethod
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from skhash.utils._compat import Interval, StrOptions, fit_context
from skhash.utils._labels import (
    PartialLabels,
    check_partial_labels,
    require_two_classes,
)
from skhash.utils._scaling import GlobalStandardScaler, NormScaler, Rows, Scaler
from skhash.utils._state import replace_state
from skhash.variational._network_encoder import NetworkEncoder
from skhash.variational._trainer import Trainer, TrainingSettings, TrainingTask
from skhash.variational._validation import (
    check_callbacks,
    check_chunk_classes,
    check_device,
    check_label_form,
    check_layer_sizes,
    check_non_negative,
    smallest_value,
)
from skhash.variational.nn._batches import TrainingRows
from skhash.variational.nn._networks import BernoulliAutoencoder
from skhash.variational.nn._objectives import Objective

# With more features a batch has few of them, and this many represent the others.
_LARGE_VOCABULARY = 2**15
_SAMPLED_FEATURES = 4096


class BaseVAEHasher(NetworkEncoder):
    """Base class of the hashers that train an autoencoder.

    A subclass has the parameters below, and makes the network and the objective in
    `_make_network` and `_make_objective`. It may override `_make_training_rows` to
    train on more than samples and labels, `_fit_codes` to learn from the trained
    network, and `_code_logits` to make codes of more than its logits.
    """

    # Some subclasses make it a parameter.
    sampled_features: Any = "auto"

    # Parameters that determine the network; they may not change during training.
    _ARCHITECTURE_PARAMETERS: tuple[str, ...] = (
        "n_bits",
        "reconstruction",
        "hidden_layer_sizes",
        "dropout",
        "feature_dropout",
    )

    _parameter_constraints: dict = {
        **NetworkEncoder._parameter_constraints,
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
    def _make_network(
        self, task: TrainingTask, rows: TrainingRows, generator: torch.Generator
    ) -> BernoulliAutoencoder:
        """Return a new network for a task, as a rule by `_build_network`."""

    @abstractmethod
    def _make_objective(self, task: TrainingTask) -> Objective:
        """Return the loss for a task."""

    def _make_training_rows(
        self,
        X: Rows,
        labels: PartialLabels,
        task: TrainingTask,
        random_state: np.random.RandomState,
    ) -> TrainingRows:
        """Return the samples with the targets of the network."""
        return TrainingRows(
            X,
            task.scaler,
            labels.aligned(task.classes),
            labels.labeled.astype(np.float32),
            n_sampled_features=self._n_sampled_features(X.shape[1]),
            random_state=random_state,
        )

    def _fit_codes(
        self, X: Rows, labels: PartialLabels, trainer: Trainer, *, is_chunk: bool
    ) -> None:
        """Learn how codes are made from the logits of the trained network."""

    def _fit(self, X: Rows, y: Any) -> None:
        labels = self._check_training_data(X, y, is_chunk=False)
        require_two_classes(labels)
        if self._is_warm_start():
            self._check_resumable(X, labels)
        else:
            self._initialize(X, y, labels, labels.classes)
        self._train(X, labels, self._n_epochs(X.shape[1]), is_chunk=False)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> "BaseVAEHasher":
        """Train for one epoch on a chunk of samples.

        For collections larger than memory: call it with one chunk after another, any
        number of times. The learning rate stays constant. Signed features are
        standardized by the first chunk.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples of the chunk, at least two. Sparse and dense chunks may
            alternate.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Their labels, -1 for unlabeled samples.
        classes : array-like of shape (n_classes,), default=None
            All classes that any chunk will have, without -1. Needed in the first call
            unless its `y` has a label of each; ignored later.

        Returns
        -------
        self : object
            The fitted hasher.

        Raises
        ------
        ValueError
            If `X` or `y` is invalid or of another kind than before, `y` has a class
            that is not in `classes` and that the hasher cannot learn, or a parameter
            that determines the network has changed. The hasher then stays as it was.

        Notes
        -----
        With one label per sample, :class:`~skhash.SSBVAEHasher` learns new classes.
        Such a call does not train the network: codes of samples of the earlier classes
        stay, so that stored codes stay valid, and samples of the new classes get codes
        near new codewords. Unlabeled samples of the call are used as in `fit`. A call
        without new classes trains the network and changes codes. To distinguish new
        classes from earlier ones, a fitted hasher keeps up to 2,000 training samples,
        also in files.
        """
        replace_state(self, type(self)._fit_chunk, X, y, classes)
        return self

    def _fit_chunk(self, X: Any, y: Any, classes: ArrayLike | None) -> None:
        is_first = not hasattr(self, "network_")
        rows = self._check_samples(X, reset=is_first)
        labels = self._check_training_data(rows, y, is_chunk=True)
        if is_first:
            all_classes = check_chunk_classes(labels, classes)
            self._initialize(rows, y, labels, all_classes)
        else:
            self._check_resumable(rows, labels)
        if is_first or not self._learn_new_classes(rows, labels):
            self._train(rows, labels, 1, is_chunk=True)

    def _learn_new_classes(self, X: Rows, labels: PartialLabels) -> bool:
        """Extend the hasher by new classes; return whether that is possible."""
        return False

    def _is_warm_start(self) -> bool:
        return self.warm_start and hasattr(self, "network_")

    def _check_samples(self, X: ArrayLike, *, reset: bool) -> Rows:
        return super()._check_samples(X, reset=reset and not self._is_warm_start())

    def _check_training_data(self, X: Rows, y: Any, *, is_chunk: bool) -> PartialLabels:
        """Return validated labels; raise if settings or labels cannot be used."""
        check_layer_sizes(self.hidden_layer_sizes)
        check_callbacks(self.callbacks)
        check_device(self.device)
        if X.shape[0] < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two samples to learn from; got "
                f"n_samples={X.shape[0]}."
            )
        return self._check_labels(X, y, is_chunk=is_chunk)

    def _check_labels(self, X: Rows, y: Any, *, is_chunk: bool) -> PartialLabels:
        return check_partial_labels(y, X.shape[0], chunk=is_chunk)

    def _check_resumable(self, X: Rows, labels: PartialLabels) -> None:
        """Raise if parameters, samples or labels do not fit the network."""
        for name, made_with in self._architecture.items():
            value = getattr(self, name)
            if value != made_with:
                raise ValueError(
                    f"{name} must stay {made_with!r}, as the network was made with "
                    f"it; got {value!r}. Clone the hasher to start anew."
                )
        check_label_form(labels, self.multilabel_)
        if self.reconstruction_ == "softmax":
            check_non_negative(
                X, "The first call had none: start anew with 'gaussian'."
            )

    def _initialize(
        self, X: Rows, y: Any, labels: PartialLabels, classes: NDArray | None
    ) -> None:
        """Drop earlier training, and choose how to treat samples and labels."""
        self.reconstruction_ = self._choose_reconstruction(X)
        self.classes_ = classes
        # An indicator matrix without any label has several classes per sample too.
        self.multilabel_ = labels.kind == "multilabel" or (
            labels.kind == "none" and np.shape(y)[1:] not in ((), (1,))
        )
        self.scaler_ = self._make_scaler(X)
        self._architecture = {
            name: getattr(self, name) for name in self._ARCHITECTURE_PARAMETERS
        }
        self.__dict__.pop("network_", None)
        self._trainer = Trainer(self.random_state)

    def _choose_reconstruction(self, X: Rows) -> str:
        if self.reconstruction == "auto":
            return "softmax" if smallest_value(X) >= 0 else "gaussian"
        if self.reconstruction == "softmax":
            check_non_negative(
                X, "Use reconstruction='gaussian' (or 'auto') for signed features."
            )
        return self.reconstruction

    def _make_scaler(self, X: Rows) -> Scaler:
        is_softmax = self.reconstruction_ == "softmax"
        return NormScaler(X) if is_softmax else GlobalStandardScaler(X)

    @property
    def _task(self) -> TrainingTask:
        return TrainingTask(
            self.reconstruction_, self.scaler_, self.classes_, self.multilabel_
        )

    def _train(
        self, X: Rows, labels: PartialLabels, n_epochs: int, *, is_chunk: bool
    ) -> None:
        """Train the network for some epochs, and learn how codes are made."""
        trainer = self._trainer.resume() if hasattr(self, "network_") else self._trainer
        task = self._task
        rows = self._make_training_rows(X, labels, task, trainer.random_state)
        if trainer.network is None:
            trainer.network = self._initial_network(task, rows, trainer.generator())
        settings = TrainingSettings(
            n_epochs=n_epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            anneal=not is_chunk,
            callbacks=self.callbacks,
            device=check_device(self.device),
            verbose=self.verbose,
        )
        trainer.train(rows, self._make_objective(task), settings)
        self._trainer, self.network_ = trainer, trainer.network
        self.history_, self.n_iter_ = trainer.history, len(trainer.history)
        self._fit_codes(X, labels, trainer, is_chunk=is_chunk)

    def _build_network(
        self,
        network_type: type[BernoulliAutoencoder],
        task: TrainingTask,
        rows: TrainingRows,
        generator: torch.Generator,
        **options: Any,
    ) -> BernoulliAutoencoder:
        """Return a network with the parameters of the hasher, and further options."""
        settings = {"dropout": self.dropout, "feature_dropout": self.feature_dropout}
        return network_type(
            rows.n_features,
            self._n_network_bits,
            task.n_classes,
            hidden_layer_sizes=self.hidden_layer_sizes,
            weight_scale=task.scaler.weight_scale(rows.n_features),
            generator=generator,
            **settings | options,
        )

    def _initial_network(
        self, task: TrainingTask, rows: TrainingRows, generator: torch.Generator
    ) -> BernoulliAutoencoder:
        network = self._make_network(task, rows, generator)
        # Without a bias the decoder would have to learn the mean sample first.
        with torch.no_grad():
            mean_target = torch.from_numpy(task.scaler.mean_target(rows.X))
            network.decoder.bias.add_(mean_target)
        return network

    @property
    def _n_network_bits(self) -> int:
        return self.n_bits

    def _n_epochs(self, n_features: int) -> int:
        return self.max_epochs

    def _n_sampled_features(self, n_features: int) -> int | None:
        """Return how many features that a batch lacks are drawn, None for all."""
        if self.sampled_features != "auto":
            return self.sampled_features
        return _SAMPLED_FEATURES if n_features > _LARGE_VOCABULARY else None

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")
