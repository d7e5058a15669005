"""Check the length of files and functions, and that no old name is used.

    python .ci/check_sources.py

In skhash/ a file has at most 400 lines, and the body of a function at most 40 besides
its docstring. Old names are those that the package had before 0.1.0: they may appear
nowhere.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40
SEARCHED = ("skhash", "tests", "benchmarks", "docs", "*.md")

# Regular expressions, with the names to use instead.
OLD_NAMES = {
    r"\bTeachers?\b": "PseudoLabeler",
    r"\b(ClassBeliefs|[Bb]eliefs?)\b": "ClassPosteriorEstimator, posteriors",
    r"\btrust(s|ed)?\b": "confidence",
    r"\bWordModel\b": "MultinomialClassModel",
    r"\bGaussianModel\b": "SharedCovarianceClassModel",
    r"\b(WordEvidence|word_weight)\b": "WordClassifier, word_classifier_weight",
    r"\b(LabelMemory|remember_labels)\b": "LabelLookup, use_training_labels",
    r"\bClusterings\b": "ClusterEnsemble",
    r"\bsure_from_": "confidence_thresholds_",
    r"\bunsure_share\b": "low_confidence_fraction",
    r"\bsteps?(_|\s)aside\b|\bstepping(_|\s)aside\b": "flip_tie_break_bit",
    r"\bClassGuidedHasher\b": "CodeAssigner",
    r"\b(NetworkHasher|VariationalHasher)\b": "BaseVAEHasher",
    r"\b(settle_statistics|Annealing|TermAverage)\b": (
        "recalibrate_batch_norm, WarmupCosine, EpochAverage"
    ),
    r"\b(_goes_on|_made_with|_ready_net)\b": (
        "_is_warm_start, _architecture_params, Trainer.resume"
    ),
    r"\b(RowAdam|row_gradient)\b": "RowwiseAdam, lazy_grad",
    r"\b(LengthScaling|StandardScaling)\b": "NormScaler, GlobalStandardScaler",
    r"\b(neighbor_share|empty_ball_share)\b": "neighbor_weight, empty_ball_rate",
    r"\b[a-z]+_share\b|\bshare_of\b": "*_fraction",
    r"\bPaperObjective\b": "SSBVAEObjective",
    r"\bEvaluation\b": "RetrievalTask",
    r"\b(hide_labels|deal_sets)\b": "mask_labels, iterative_stratification",
    r"\b(keep|mask)_unlabelled\b": "keep_unlabeled, mask_unlabeled",
    r"\b(search_space|scan_space)\b": "*_workspace",
    r"\bpostings\b": "row_lists",
    r"\blast_step\b": "final_estimator",
    r"\b(means_|coefficients_)(?!\w)": "mean_, dual_coef_",
    r"\b[Rr]ivals?\b": "baselines",
    r"\bDense[Tt]win\b|\btwins?\b": "DenseBaseline",
    r"\b(make_problem|Problem|shallow_limits)\b": "make_task, Task, shallow_scaling",
    r"""["'`]scalar["'`]""": 'kernel "popcnt"',
}


def searched_files():
    """Yield the tracked text files whose words are checked."""
    options = ["-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(
        ["git", "ls-files", *options, "--", *SEARCHED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.suffix not in (".png", ".skhash") and path.exists():
            yield path


def old_names(path):
    """Yield one message per line of a file with an old name."""
    pattern = re.compile("|".join(OLD_NAMES))
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if match := pattern.search(line):
            new = next(n for old, n in OLD_NAMES.items() if re.search(old, line))
            yield f"{number}: {match[0]!r} is an old name of {new}"


def long_parts(path):
    """Yield messages about a file or functions that are too long."""
    text = path.read_text(encoding="utf-8")
    n_lines = len(text.splitlines())
    if n_lines > MAX_FILE_LINES:
        yield f"1: the file has {n_lines} lines, more than {MAX_FILE_LINES}"
    if path.suffix != ".py":
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            has_docstring = ast.get_docstring(node) is not None
            body = node.body[has_docstring:] or node.body
            n_lines = body[-1].end_lineno - body[0].lineno + 1
            if n_lines > MAX_FUNCTION_LINES:
                yield f"{node.lineno}: {node.name} has a body of {n_lines} lines"


def main():
    """Print what is wrong; return the exit status."""
    n_wrong = 0
    for path in searched_files():
        messages = list(old_names(path))
        if path.relative_to(ROOT).parts[0] == "skhash":
            messages += long_parts(path)
        for message in messages:
            print(f"{path.relative_to(ROOT)}:{message}")
        n_wrong += len(messages)
    return int(n_wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
