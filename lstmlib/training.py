"""Turning gradients into learning: optimisers, clipping by global norm, and one loop for all.

An optimiser holds a list of layers, anything with `params` and `grads`, and its `step` changes the
parameters in place.
"""

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator

from lstmlib.activations import Array
from lstmlib.checks import check_number
from lstmlib.layer import Params


class Trainable(Protocol):
    """Whatever has parameters, and gradients under the same names after a backward pass."""

    params: Params
    grads: Params


class SGD:
    """Gradient descent, with momentum if asked for.

    v ← μ v + ∂L/∂θ;  θ ← θ − η v

    Raises ValueError for no layers, or a number outside its range. From Rumelhart, Hinton & Williams 1986,
    equations 8 and 9.

    Parameters
    ----------
    learning_rate : float
        η, above 0. May be changed between steps.
    momentum : float
        μ, from 0 (none) to below 1.
    """

    def __init__(self, layers: Sequence[Trainable], learning_rate: float, momentum: float = 0.0) -> None:
        self.layers = _check_layers(layers)
        self.learning_rate = _check_positive(learning_rate, "learning_rate")
        self.momentum = _check_decay(momentum, "momentum")
        self._velocity = _zeros_like_params(self.layers)

    def step(self) -> None:
        """Change every parameter once; RuntimeError, and nothing changed, for a layer without gradients."""
        for (param, grad), v in zip(_params_and_grads(self.layers), self._velocity, strict=True):
            v *= self.momentum
            v += grad
            param -= self.learning_rate * v


class Adam:
    """Gradient descent in steps of nearly equal size, whatever the size of the gradient.

    m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²  with g = ∂L/∂θ

    m̂ = m / (1 − β₁ᵗ);  v̂ = v / (1 − β₂ᵗ);  θ ← θ − η m̂ / (√v̂ + ε)

    Both averages start at zero and so are too small at first; the division by 1 − βᵗ after t steps
    corrects that. Raises ValueError for no layers, or a number outside its range. From Kingma & Ba
    2015, Algorithm 1.

    Parameters
    ----------
    learning_rate : float
        η, above 0. May be changed between steps.
    betas : pair of floats
        β₁ and β₂, each from 0 to below 1.
    epsilon : float
        ε, above 0.

    Examples
    --------
    >>> from lstmlib.readout import Readout
    >>> layer = Readout(1, 1)
    >>> layer.grads = {"W": np.array([[0.0]]), "b": np.array([1e-3])}
    >>> Adam([layer], learning_rate=0.1).step()
    >>> layer.params["b"].round(4)
    array([-0.1])
    """

    def __init__(
        self,
        layers: Sequence[Trainable],
        learning_rate: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ) -> None:
        self.layers = _check_layers(layers)
        self.learning_rate = _check_positive(learning_rate, "learning_rate")
        self.betas = (_check_decay(betas[0], "betas[0]"), _check_decay(betas[1], "betas[1]"))
        self.epsilon = _check_positive(epsilon, "epsilon")
        self._t = 0
        self._m = _zeros_like_params(self.layers)
        self._v = _zeros_like_params(self.layers)

    def step(self) -> None:
        """Change every parameter once; RuntimeError, and nothing changed, for a layer without gradients."""
        pairs = _params_and_grads(self.layers)
        beta1, beta2 = self.betas
        self._t += 1
        for (param, grad), m, v in zip(pairs, self._m, self._v, strict=True):
            m *= beta1
            m += (1 - beta1) * grad
            v *= beta2
            v += (1 - beta2) * grad * grad
            m_hat = m / (1 - beta1**self._t)
            v_hat = v / (1 - beta2**self._t)
            param -= self.learning_rate * m_hat / (np.sqrt(v_hat) + self.epsilon)


def clip_gradients(layers: Sequence[Trainable], max_norm: float) -> float:
    """Shorten the gradient to `max_norm` where it is longer, keep its direction, and return its norm before.

    The norm ‖g‖ is that over all parameters of all layers together; where it is above `max_norm`, g ← g
    · max_norm / ‖g‖. An infinite `max_norm` only measures. Raises ValueError for no layers, or a
    `max_norm` that is not above 0; RuntimeError for a layer without gradients; FloatingPointError where
    the norm is infinite or NaN, so that there is no direction to keep. From Pascanu, Mikolov & Bengio
    2013, Algorithm 1.

    >>> from lstmlib.readout import Readout
    >>> layer = Readout(1, 1)
    >>> layer.grads = {"W": np.array([[3.0]]), "b": np.array([4.0])}
    >>> clip_gradients([layer], max_norm=1.0), layer.grads["b"].round(12)
    (5.0, array([0.8]))
    """
    layers, max_norm = _check_layers(layers), _check_positive(max_norm, "max_norm", or_infinite=True)
    grads = [grad for _, grad in _params_and_grads(layers)]
    # In float64, because a square leaves the range of float32 long before the number itself does.
    squares = [float(np.sum(np.square(grad, dtype=np.float64))) for grad in grads]
    norm = _finite(math.sqrt(sum(squares)), "the norm of the gradient")
    if norm > max_norm:
        for layer in layers:
            # New arrays, because two names may share one: scaled in place it would be scaled twice.
            layer.grads = {name: grad * (max_norm / norm) for name, grad in layer.grads.items()}
    return norm


def sequence_loss(
    layer: Any, readout: Any, loss: Callable[..., tuple[float, Array]], *, last: bool = False
) -> Callable[[Any], float]:
    """What `train` calls on each batch: read, answer, compare, and go all the way back.

    The function returned takes a batch, which begins with x and target, gives the loss, and fills `grads`
    of both layer and readout. Where a batch has a `mask`, as a `TaskBatch` has, and that is False, a step
    is skipped, and no answer is due.

    Parameters
    ----------
    layer, readout : RecurrentLayer, Readout
        The first reads x, the second answers from the hidden state.
    loss : function of answer and target that returns the loss and its gradient
        Such as `cross_entropy` and `squared_error`.
    last : bool
        Whether one answer is due, after the last step, or one after every step.

    Examples
    --------
    >>> from lstmlib.lstm import LSTM
    >>> from lstmlib.readout import Readout, squared_error
    >>> loss_of = sequence_loss(LSTM(2, 4), Readout(4, 1), squared_error)
    >>> loss_of((np.zeros((5, 3, 2)), np.zeros((5, 3, 1))))
    0.0
    """

    def loss_of(batch: Any) -> float:
        x, target, mask = batch[0], batch[1], getattr(batch, "mask", None)
        h, state = layer.forward(x, mask=mask)
        if last:
            value, dy = loss(readout.forward(state.h), target)
            others = [np.zeros_like(part) for part in state[1:]]
            layer.backward(np.zeros_like(h), (readout.backward(dy), *others))
        else:
            value, dy = loss(readout.forward(h), target, *([] if mask is None else [mask]))
            layer.backward(readout.backward(dy))
        return value

    return loss_of


def train(
    loss_of: Callable[[Any], Any],
    optimiser: Any,
    batches: Iterable[Any],
    *,
    clip_norm: float | None = None,
    progress: bool = True,
) -> list[float]:
    """One update for each batch; returns the loss of every batch, before its update.

    Parameters
    ----------
    loss_of : function of a batch
        For NumPy layers it runs forward and backward, so that `grads` are filled, and returns the loss as a
        number. For a PyTorch model it returns the loss as a tensor with one element; the backward pass is
        then run here.
    optimiser : SGD or Adam of this module, or an optimiser of `torch.optim`
        The former with the number, the latter with the tensor.
    batches : iterable
        Anything: each element goes to `loss_of` as it is.
    clip_norm : float, optional
        Longest gradient, see `clip_gradients`; without it nothing is clipped.
    progress : bool
        Draw a bar with the latest loss, in a terminal or a live notebook. It is gone at the end, and where
        nobody watches, as when the book is built, it is never drawn.

    Raises
    ------
    FloatingPointError
        When a number overflows, or a loss or a gradient is infinite or NaN: training stops before it
        spoils a parameter.
    ValueError
        For a loss that is neither kind, or an optimiser of the other kind.

    Examples
    --------
    >>> from lstmlib.readout import Readout, squared_error
    >>> layer = Readout(1, 1, rng=np.random.default_rng(0))
    >>> def loss_of(batch):
    ...     x, target = batch
    ...     loss, dy = squared_error(layer.forward(x), target)
    ...     layer.backward(dy)
    ...     return loss
    >>> batch = (np.array([[1.0], [2.0]]), np.array([[3.0], [5.0]]))
    >>> losses = train(loss_of, SGD([layer], 0.1), [batch] * 100, progress=False)
    >>> losses[0] > 1000 * losses[-1]
    True
    """
    # Only here: in a kernel it brings all of ipywidgets.
    from tqdm.auto import tqdm  # type: ignore[import-untyped]

    max_norm = math.inf if clip_norm is None else _check_positive(clip_norm, "clip_norm")
    advice = "clip_norm=1.0" if clip_norm is None else f"a clip_norm below {clip_norm}"
    losses: list[float] = []
    with tqdm(batches, leave=False, disable=not (progress and _someone_watches())) as bar:
        for batch in bar:
            try:
                # Raised where it first overflows, and not three functions later as a strange NaN.
                with np.errstate(over="raise", divide="raise", invalid="raise"):
                    losses.append(_update(loss_of(batch), optimiser, max_norm))
            except FloatingPointError as error:
                raise FloatingPointError(
                    f"training broke down at step {len(losses)}, counting from 0: {error}. "
                    f"No parameter was spoilt; try a smaller learning rate or {advice}"
                ) from error
            bar.set_postfix_str(f"loss {losses[-1]:.4g}", refresh=False)
    return losses


def truncated_backpropagation(
    layer: Any, readout: Any, loss: Callable[[Array, Any], tuple[float, Array]], state: Any = None
) -> Callable[[tuple[Array, Any]], float]:
    """The loss of one chunk of an endless sequence after the other, for `train`.

    The state is carried from each chunk to the next, the gradient is not: it reaches back to the first step
    of its own chunk, so ∂L_t/∂W is summed over no more than K steps. `state` is that before the first
    chunk; zeros if left out.

    The function returned takes a pair (x, target) with x (K, B, D), the chunk that follows the one before.
    It runs forward and backward, and returns the loss. From Williams & Peng 1990.

    >>> from lstmlib.readout import Readout, squared_error
    >>> from lstmlib.rnn import RNN
    >>> rng = np.random.default_rng(0)
    >>> layer, readout = RNN(1, 8, rng=rng), Readout(8, 1, rng=rng)
    >>> bits = rng.choice([-1.0, 1.0], (401, 16, 1))
    >>> chunks = ((bits[t : t + 4], bits[t - 1 : t + 3]) for t in range(1, 400, 4))  # say the last bit
    >>> loss_of = truncated_backpropagation(layer, readout, squared_error)
    >>> losses = train(loss_of, Adam([layer, readout], 0.02), chunks, progress=False)
    >>> losses[0] > 1 > 0.1 > losses[-1]
    True
    """

    def loss_of(chunk: tuple[Array, Any]) -> float:
        nonlocal state
        x, target = chunk
        h, state = layer.forward(x, state)
        value, dy = loss(readout.forward(h), target)
        layer.backward(readout.backward(dy))
        return value

    return loss_of


def hold_out(items: Sequence, held_out: int, rng: Generator) -> tuple[list, list]:
    """Shuffle N items, and keep `held_out` of them, 1 to N − 1, away from training: two lists.

    Raises ValueError where one of the two would be empty, or `held_out` is no whole number.

    >>> training, test = hold_out(range(5), 2, np.random.default_rng(0))
    >>> len(training), len(test), sorted(training + test)
    (3, 2, [0, 1, 2, 3, 4])
    """
    whole = isinstance(held_out, int | np.integer) and not isinstance(held_out, bool)
    if not whole or not 0 < held_out < len(items):
        raise ValueError(f"held_out must be a whole number between 1 and {len(items) - 1}, got {held_out!r}")
    order = rng.permutation(len(items))
    return [items[k] for k in order[held_out:]], [items[k] for k in order[:held_out]]


def _update(loss: Any, optimiser: Any, max_norm: float) -> float:
    """One update with either kind of loss; the loss as a number."""
    if isinstance(loss, Real):
        _check_optimiser(optimiser, "layers", "a number", "lstmlib.training")
        value = _finite(float(loss), "the loss")
        clip_gradients(optimiser.layers, max_norm)
    elif hasattr(loss, "backward"):
        _check_optimiser(optimiser, "param_groups", "a torch tensor", "torch.optim")
        value = _finite(loss.item(), "the loss")
        optimiser.zero_grad()
        loss.backward()
        _clip_torch(optimiser, max_norm)
    else:
        raise ValueError(
            "loss_of must return the loss, as a number (NumPy layers, after their backward pass) "
            f"or as a torch tensor (a PyTorch model); got {type(loss).__name__}"
        )
    optimiser.step()
    return value


def _clip_torch(optimiser: Any, max_norm: float) -> None:
    from torch.nn.utils import clip_grad_norm_

    params = [param for group in optimiser.param_groups for param in group["params"]]
    _finite(clip_grad_norm_(params, max_norm).item(), "the norm of the gradient")


def _someone_watches() -> bool:
    """Whether a bar would be seen: in a terminal, or where the front end says that `input()` may ask."""
    ipython = sys.modules.get("IPython")
    kernel = getattr(ipython and ipython.get_ipython(), "kernel", None)
    if kernel is None:
        return sys.stderr is not None and sys.stderr.isatty()
    return bool(getattr(kernel, "_allow_stdin", False))


# Parameters beside their gradients, in one fixed order


def _params_and_grads(layers: Sequence[Trainable]) -> list[tuple[Array, Array]]:
    for layer in layers:
        missing = sorted(layer.params.keys() - layer.grads.keys())
        if missing:
            name = type(layer).__name__
            raise RuntimeError(f"{name} has no gradient for {', '.join(missing)}: call backward first")
    return [(param, layer.grads[name]) for layer in layers for name, param in layer.params.items()]


def _zeros_like_params(layers: Sequence[Trainable]) -> list[Array]:
    return [np.zeros_like(param) for layer in layers for param in layer.params.values()]


def _finite(value: float, name: str) -> float:
    if not math.isfinite(value):
        raise FloatingPointError(f"{name} is {value}")
    return value


def _check_optimiser(optimiser: Any, attribute: str, kind: str, module: str) -> None:
    if not hasattr(optimiser, attribute):
        raise ValueError(
            f"a loss that is {kind} needs an optimiser of {module}, got {type(optimiser).__name__} "
            f"of {type(optimiser).__module__}"
        )


def _check_layers(layers: Sequence[Trainable]) -> list[Trainable]:
    wanted = "layers must be a list of layers, objects with params and grads"
    if not isinstance(layers, list | tuple) or not layers:
        raise ValueError(f"{wanted}; got {layers!r}")
    for layer in layers:
        if not (hasattr(layer, "params") and hasattr(layer, "grads")):
            raise ValueError(f"{wanted}; got {type(layer).__name__} among them")
    return list(layers)


def _check_positive(value: float, name: str, or_infinite: bool = False) -> float:
    if or_infinite and value == math.inf:
        return value
    if check_number(value, name) <= 0:
        raise ValueError(f"{name} must be a number above 0, got {value!r}")
    return value


def _check_decay(value: float, name: str) -> float:
    if not 0 <= check_number(value, name) < 1:
        raise ValueError(f"{name} must be a number from 0 to below 1, got {value!r}")
    return value
