"""A layer without one of its parts, for comparison."""

from lstmlib.lstm import LSTM


def clamp(layer: LSTM, *gates: str) -> None:
    """Hold gates of a layer at 1 for good: the same layer without them, for comparison.

    A gate's weights become 0 and its bias 40, and σ(40) is 1 to the last digit. The derivative s (1 − s)
    is then 0, so that no training moves the gate again.

    Parameters
    ----------
    layer : LSTM
        Changed in place.
    *gates : "i", "f" or "o"

    Raises
    ------
    ValueError
        For another gate, or a layer that is no LSTM.

    Examples
    --------
    >>> import numpy as np
    >>> layer = LSTM(3, 4, rng=np.random.default_rng(0))
    >>> clamp(layer, "o")
    >>> _ = layer.forward(np.ones((5, 2, 3)))
    >>> bool((layer.trace.o == 1).all())
    True
    """
    if not isinstance(layer, LSTM):
        raise ValueError(f"layer must be an LSTM, got {type(layer).__name__}")
    for gate in gates:
        if gate not in ("i", "f", "o"):
            raise ValueError(f"a gate is 'i', 'f' or 'o', got {gate!r}")
    for gate in gates:
        rows = slice("ifgo".index(gate) * layer.hidden_size, ("ifgo".index(gate) + 1) * layer.hidden_size)
        layer.params["W_x"][rows] = layer.params["W_h"][rows] = 0
        layer.params["b"][rows] = 40
