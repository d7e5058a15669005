"""Texts that the docstrings of the hashers without a network share."""

PARAMETERS = {
    "n_bits_text": """
        Length of the codes, at least 1.
        """,
    "n_components_text": """
        Number of latent dimensions, at least 1. The latent space is spanned by the
        leading right singular vectors of the samples, as in latent semantic analysis.
        """,
    "normalize_text": """
        Whether samples are scaled to unit length in the latent space, so that Euclidean
        distances there order samples as the cosine does.
        """,
    "max_samples_text": """
        Largest number of samples to learn from, at least 2. They are drawn at random.
        """,
    "max_labeled_samples_text": """
        Largest number of samples to learn from, at least 2. They are drawn at random,
        labeled samples before unlabeled ones.
        """,
    "itq_max_iter_text": """
        Number of alternations of iterative quantization, at least 1. Learning stops
        earlier once no bit changes.
        """,
    "n_anchors_text": """
        Number of anchors of the kernel expansions, at least 1. They are drawn at random
        from the samples, of which there may be fewer.
        """,
    "gamma_text": """
        Width of the Gaussian kernel exp(-gamma * |x - x'|^2) in the latent space, above
        0. "scale" is the inverse of the mean squared distance between two samples.
        """,
    "output_text": """
        Form of the codes: one column per bit, or eight bits per byte.
        """,
    "random_state_text": """
        Seeds the random numbers of fit. The same seed gives the same codes on one
        machine with the same number of threads.
        """,
}

ATTRIBUTES = {
    "latent_attributes": """
        components_ : ndarray of shape (n_components, n_features)
            Orthonormal directions that span the latent space.
        """,
    "kernel_attributes": """
        components_ : ndarray of shape (n_components, n_features)
            Orthonormal directions that span the latent space.
        anchors_ : ndarray of shape (n_anchors, n_components)
            Anchors in the latent space.
        gamma_ : float
            Width of the kernel.
        mean_ : ndarray of shape (n_anchors,)
            Mean over the training samples of their kernels with each anchor.
        dual_coef_ : ndarray of shape (n_anchors, n_bits)
            Coefficients of the kernel expansions.
        """,
    "classes_attribute": """
        classes_ : ndarray of shape (n_classes,)
            The classes, without -1; column numbers for several labels per sample.
        """,
    "optional_classes_attribute": """
        classes_ : ndarray of shape (n_classes,) or None
            The classes, without -1; column numbers for several labels per sample; None
            without labels.
        """,
    "feature_attributes": """
        n_features_in_ : int
            Number of features seen in fit.
        feature_names_in_ : ndarray of shape (n_features_in_,)
            Names of the features, where `X` had names.
        """,
}

TEXTS = PARAMETERS | ATTRIBUTES
