from skhash.utils._docstrings import substitute


def test_text_takes_the_indentation_of_its_placeholder():
    @substitute(
        X="""
        X : {array-like, sparse matrix}
            The samples.
        """
    )
    def documented():
        """Do something.

        {X}
        y : {"a", "b"}
        """

    assert documented.__doc__ == (
        "Do something.\n\n        X : {array-like, sparse matrix}\n"
        '            The samples.\n        y : {"a", "b"}\n        '
    )


def test_no_docstring():
    @substitute(X="text")
    def bare():
        pass

    assert bare.__doc__ is None
