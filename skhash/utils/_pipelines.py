"""Find the step of a pipeline that makes the codes."""


def final_estimator(estimator):
    """Return the estimator that has the last word on the codes of another one.

    Parameters
    ----------
    estimator : estimator
        A fitted hasher, or a Pipeline or a search by scikit-learn around one.

    Returns
    -------
    last : estimator
        The last step that does something, of the best estimator found; `estimator`
        itself if it has no parts.
    """
    if hasattr(estimator, "best_estimator_"):
        return final_estimator(estimator.best_estimator_)
    steps = [step for _, step in getattr(estimator, "steps", ())]
    steps = [step for step in steps if step not in (None, "passthrough")]
    return final_estimator(steps[-1]) if steps else estimator
