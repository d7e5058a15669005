"""Adam that leaves alone what a batch has no word of."""

import torch


class RowAdam(torch.optim.Adam):
    """Adam for dense gradients, and row by row for sparse ones.

    A weight matrix with a sparse gradient moves in the rows of the gradient only: the
    others keep their weights and their averages, as in torch's `SparseAdam`. Each row
    counts its own steps, so that the first step of a rare word is corrected for its
    bias as that of a frequent one. It has one average of squares, their mean, and none
    of gradients, which is stale by the time that a rare word comes again: so the
    averages take no memory to speak of. Takes the parameters of
    :class:`torch.optim.Adam`, of which rows heed `lr`, the second of `betas` and `eps`.
    """

    def step(self, closure=None):
        """Make a step; `closure`, if any, computes the gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None and weight.grad.is_sparse:
                    self._step_rows(weight, group)
                    weight.grad = None
        super().step()
        return loss

    @torch.no_grad()
    def _step_rows(self, weight, group):
        state = self.state[weight]
        if not state:
            state["step"] = weight.new_zeros(len(weight))
            state["exp_avg_sq"] = weight.new_zeros(len(weight))
        rows, gradients = weight.grad._indices()[0], weight.grad._values()
        if (rows.diff() <= 0).any():  # a row may be there twice
            summed = weight.grad.coalesce()
            rows, gradients = summed.indices()[0], summed.values()
        # In blocks that stay in the cache, since every line is a pass over memory.
        step = max(1, 2**17 // weight.shape[1])
        for block in zip(rows.split(step), gradients.split(step), strict=True):
            _step_block(weight, *block, state, group)


def _step_block(weight, rows, grad, state, group):
    """Make the step of some rows."""
    decay = group["betas"][1]
    steps = state["step"][rows] + 1
    square = state["exp_avg_sq"][rows].lerp_(grad.square().mean(dim=1), 1 - decay)
    state["step"][rows] = steps
    state["exp_avg_sq"][rows] = square
    spread = (square / (1 - decay**steps)).sqrt_() + group["eps"]
    weight.index_add_(0, rows, grad * (group["lr"] / spread)[:, None], alpha=-1)
