"""Adam that leaves alone what a batch has no word of."""

import torch

from skhash.variational.nn._sparse_layer import take_lazy_grad


class RowwiseAdam(torch.optim.Adam):
    """Adam for dense gradients, and row by row for those of sparse rows.

    Weights with a :class:`~skhash.variational.nn._sparse_layer.LazyGradient` move in the rows
    of the gradient only: the others keep their weights and their averages, as in
    torch's `SparseAdam`. Each row counts its own steps, so that the first step of a
    rare word is corrected for its bias as that of a frequent one. It has one average of
    squares, their mean, and none of gradients, which is stale by the time that a rare
    word comes again: so the averages take no memory to speak of. Takes the parameters
    of :class:`torch.optim.Adam`, of which rows heed `lr`, the second of `betas` and
    `eps`. What looks at `grad`, as clipping does, does not see the gradients of rows.
    """

    def zero_grad(self, set_to_none=True):
        """Forget all gradients."""
        for group in self.param_groups:
            for weight in group["params"]:
                take_lazy_grad(weight)
        super().zero_grad(set_to_none)

    def step(self, closure=None):
        """Make a step; `closure`, if any, computes the gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                gradient = take_lazy_grad(weight)
                if gradient is not None:
                    self._step_rows(weight, gradient, group)
        super().step()
        return loss

    @torch.no_grad()
    def _step_rows(self, weight, gradient, group):
        state = self.state[weight]
        if not state:
            state["step"] = weight.new_zeros(len(weight))
            state["exp_avg_sq"] = weight.new_zeros(len(weight))
        for rows, gradients in gradient.blocks(len(weight)):
            _step_block(weight, rows, gradients, state, group)


def _step_block(weight, rows, grad, state, group):
    """Make the step of some rows, and use up their gradients."""
    decay = group["betas"][1]
    lengths = torch.linalg.vector_norm(grad, dim=1)  # and no matrix of squares
    met = lengths > 0  # a slice may have rows without a gradient
    steps = state["step"][rows] + met
    square = state["exp_avg_sq"][rows]
    mean_square = lengths.square_().div_(grad.shape[1])
    square = torch.where(met, square.lerp(mean_square, 1 - decay), square)
    state["step"][rows] = steps
    state["exp_avg_sq"][rows] = square
    spread = (square / (1 - decay ** steps.clamp_min(1))).sqrt_() + group["eps"]
    step_sizes = (group["lr"] / spread)[:, None]
    if isinstance(rows, slice):
        weight[rows].addcmul_(grad, step_sizes, value=-1)
    else:
        weight.index_add_(0, rows, grad.mul_(step_sizes), alpha=-1)
