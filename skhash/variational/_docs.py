"""Texts that the docstrings of the hashers with a network share."""

PARAMETERS = {
    "n_bits_text": """
        Length of the codes.
        """,
    "reconstruction_text": """
        The distribution of the decoder: "softmax" treats samples as counts or weights
        of words, which must be non-negative; "gaussian" centers the features and
        divides them by one number. "auto" is "softmax" unless a training value is
        negative.
        """,
    "hidden_layer_sizes_text": """
        Widths of the hidden layers of the encoder, at least one.
        """,
    "dropout_text": """
        Fraction of the hidden units that is dropped in a training step, in [0, 1).
        """,
    "feature_dropout_text": """
        Fraction of the features of a sample that is hidden from the encoder in a
        training step, in [0, 1).
        """,
    "max_epochs_text": """
        Number of passes over the samples, at least 1.
        """,
    "batch_size_text": """
        Approximate number of samples per training step, at least 2.
        """,
    "learning_rate_text": """
        The highest step size of Adam, above 0.
        """,
    "warm_start_text": """
        Whether a further call of `fit` continues to train the network of the previous
        one. Features, classes and the parameters that determine the network must stay.
        """,
    "callbacks_text": """
        Called in training, for example
        ``skorch.callbacks.EarlyStopping("train_loss")``. A learning rate schedule
        replaces the default one.
        """,
    "device_text": """
        Where to train and encode: "cpu", "cuda", ...; "auto" uses a GPU where torch
        finds one. The fitted network is always on the CPU.
        """,
    "output_text": """
        Form of the codes: one column per bit, or eight bits per byte.
        """,
    "verbose_text": """
        From 1 on, report each epoch in a line with the terms of the loss: by the logger
        "skhash" at level INFO if logging is set up, else on standard output. For a
        progress bar, pass ``callbacks=[skorch.callbacks.ProgressBar()]``.
        """,
    "random_state_text": """
        Seeds weights, batches and dropout. The same seed gives the same codes on one
        machine with the same number of threads; with another number of threads the
        order of sums changes, and bits whose logit is close to 0 may change too.
        """,
    "architecture_cost": """
        An epoch costs O(h nnz(X) + n_samples (h^2 + n_bits n_features)) for h hidden
        units, transform O(h nnz(X) + n_samples h (h + n_bits)). A sparse `X` is never
        densified as a whole. Beyond 32,768 features, n_features is the number of
        features in a batch plus 4,096 others, drawn anew for each batch.
        """,
}

ATTRIBUTES = {
    "classes_attribute": """
        classes_ : ndarray of shape (n_classes,) or None
            The classes, without -1; column numbers for several labels per sample; None
            without labels.
        multilabel_ : bool
            Whether samples have several labels.
        """,
    "common_attributes": """
        reconstruction_ : {"softmax", "gaussian"}
            The distribution of the decoder.
        history_ : list of dict
            For each epoch its number, the mean of each weighted term of the loss, their
            sum ``train_loss``, and the seconds ``dur``.
        network_ : torch.nn.Module
            The trained network, on the CPU.
        scaler_ : NormScaler or GlobalStandardScaler
            Scales samples for the network.
        n_iter_ : int
            Number of epochs trained.
        n_features_in_ : int
            Number of features seen in fit.
        feature_names_in_ : ndarray of shape (n_features_in_,)
            Names of the features, where `X` had names.
        """,
}

TEXTS = PARAMETERS | ATTRIBUTES
