"""Train one here: two networks race on a task, in the page, forward, backward and Adam."""

from typing import Any

import traitlets

from lstmlib.figures.canvas import Between, Canvas, Figure, module_source, one_of, shared

CELLS = {"rnn": "plain RNN", "lstm97": "LSTM of 1997", "lstm": "LSTM", "gru": "GRU"}
"""The cells by their names in the address, with what the reader is shown: those of `lstmlib`."""
TASKS = {
    "hold": ("hold a bit", "First comes 1 or −1, then {gap} steps of noise. Which of the two was it?"),
    "echo": ("echo three bits", "Three bits come, one after the other. Say each {gap} steps after it came."),
    "adding": (
        "add two numbers",
        "{gap} numbers from 0 to 1 come, one of each half marked. What is the sum of the two?",
    ),
    "order": (
        "temporal order",
        "Among {more} symbols, X or Y comes early, and X or Y in the middle. In which of four orders?",
    ),
    "bell": (
        "running sum with a bell",
        "Numbers come, and at about every {half}th step a bell. At each step: the sum since the bell?",
    ),
}
"""The tasks by their names in the address, what the reader chooses from, and what is asked."""
LIMITS = {
    "gap": Between(5, 60),
    "units": Between(2, 16),
    "rate": Between(0.0001, 10),
    "forget_a": Between(-2, 6),
    "forget_b": Between(-2, 6),
    "input_bias": Between(-6, 2),
    "clip": Between(0, 5),
    "seed": Between(1, 99),
}
MOST_UPDATES = 3000
"""Where a run ends."""


class _TrainerCanvas(Canvas):
    _esm = module_source("trainer")
    script = traitlets.Unicode(module_source("trainer_worker")).tag(sync=True)
    cells: Any = traitlets.List([*map(list, CELLS.items()), ["none", "none"]]).tag(sync=True)
    tasks: Any = traitlets.List([[name, *texts] for name, texts in TASKS.items()]).tag(sync=True)
    limits: Any = traitlets.Dict({name: list(limits) for name, limits in LIMITS.items()}).tag(sync=True)
    most = traitlets.Int(MOST_UPDATES).tag(sync=True)
    cell_a = traitlets.Unicode().tag(sync=True)
    cell_b = traitlets.Unicode().tag(sync=True)
    task = traitlets.Unicode().tag(sync=True)
    gap, units = traitlets.Float().tag(sync=True), traitlets.Float().tag(sync=True)
    rate, clip = traitlets.Float().tag(sync=True), traitlets.Float().tag(sync=True)
    forget_a, forget_b = traitlets.Float().tag(sync=True), traitlets.Float().tag(sync=True)
    input_bias = traitlets.Float().tag(sync=True)
    seed = traitlets.Int().tag(sync=True)
    brief = traitlets.Bool().tag(sync=True)


def _whole(name: str) -> Any:
    """The check of a number that counts something."""

    def check(value: float, called: str) -> int:
        if LIMITS[name].check(value, called) != int(value) or isinstance(value, bool):
            raise ValueError(f"{called} must be a whole number, got {value!r}")
        return int(value)

    return check


class Trainer(Figure):
    """One or two networks that learn in the page, from the same batches, at equal updates.

    The reader chooses the cells, the task and the settings, and presses *Train*. A worker beside the page
    computes what `lstmlib` computes: the cell forward and backward through time, the loss, `clip_gradients`
    and `Adam`, with 16 sequences in a batch, up to 3,000 updates. Shown are the loss (mean of the last ten
    updates) beside that of the best constant answer; how 128 new sequences are answered; the memory and the
    gates on one of them; and what is left of the gradient of the last answer at the memory of each step
    before: at c where the cell has one, else at h, over all of a batch, as a share of what stands at the end.

    A run starts from its seed alone: the same settings give the same run. Two cells of one kind begin with
    the same weights, but for their forget biases. The bias of what keeps is that of the forget gate, and of
    the update gate in a GRU; the plain RNN and the LSTM of 1997 have neither. A run whose loss is no number,
    or over ten updates a hundred times that of the constant, is stopped.

    The settings stand in the address of the page once *Train* was pressed, so that a link leads to them:
    `#train=lstm,gru,hold,40,8,0.01,1,1,0,1,1` has them in the order of the parameters below.

    Parameters
    ----------
    cell_a, cell_b : str
        "rnn", "lstm97" (without a forget gate), "lstm" or "gru"; the second may be "none".
    task : str
        "hold", "echo", "adding", "order" or "bell"; the page says in a sentence what each asks.
    gap : int in [5, 60]
        How many steps have to be bridged; in "adding", how many numbers come.
    units : int in [2, 16]
    rate : float in [0.0001, 10]
        The learning rate.
    forget_a, forget_b : float in [-2, 6]
    input_bias : float in [-6, 2]
        Of both LSTMs' input gates.
    clip : float in [0, 5]
        The longest gradient; 0 clips nothing.
    seed : int in [1, 99]
    brief : bool
        Whether to leave out the lists, the fields, the sliders but gap and units, and the gradient. A brief
        figure does not change the address of its page, and does not read it.

    Raises ValueError for a name that is not one of these, or a number outside its range. Python may set all
    of them later too, and they are as the reader has set them.

    Examples
    --------
    >>> figure = Trainer("lstm", "gru", task="adding", gap=20)
    >>> figure.units = 12
    >>> figure.cell_b, figure.units, figure.address
    ('gru', 12, '#train=lstm,gru,adding,20,12,0.01,1,1,0,1,1')
    """

    def __init__(
        self,
        cell_a: str = "lstm",
        cell_b: str = "none",
        task: str = "hold",
        gap: int = 40,
        units: int = 8,
        rate: float = 0.01,
        forget_a: float = 1.0,
        forget_b: float = 1.0,
        input_bias: float = 0.0,
        clip: float = 1.0,
        seed: int = 1,
        *,
        brief: bool = False,
    ) -> None:
        super().__init__(
            _TrainerCanvas(brief=brief),
            cell_a=cell_a,
            cell_b=cell_b,
            task=task,
            gap=gap,
            units=units,
            rate=rate,
            forget_a=forget_a,
            forget_b=forget_b,
            input_bias=input_bias,
            clip=clip,
            seed=seed,
        )
        self._add_slider("gap", "gap", LIMITS["gap"], 1).readout_format = ".0f"
        self._add_slider("units", "units", LIMITS["units"], 1).readout_format = ".0f"
        if brief:
            return
        self._add_slider("forget_a", "A forget bias", LIMITS["forget_a"], 0.1)
        self._add_slider("forget_b", "B forget bias", LIMITS["forget_b"], 0.1)
        self._add_slider("input_bias", "input bias", LIMITS["input_bias"], 0.1)
        self._add_slider("clip", "clip (0: off)", LIMITS["clip"], 0.1)

    cell_a = shared("cell_a", one_of(CELLS))
    cell_b = shared("cell_b", one_of([*CELLS, "none"]))
    task = shared("task", one_of(TASKS))
    gap = shared("gap", _whole("gap"), int)
    units = shared("units", _whole("units"), int)
    rate = shared("rate", LIMITS["rate"].check)
    forget_a = shared("forget_a", LIMITS["forget_a"].check)
    forget_b = shared("forget_b", LIMITS["forget_b"].check)
    input_bias = shared("input_bias", LIMITS["input_bias"].check)
    clip = shared("clip", LIMITS["clip"].check)
    seed = shared("seed", _whole("seed"))

    @property
    def address(self) -> str:
        """What to put behind the address of a page with this figure, for the settings as they are."""
        names = [self.cell_a, self.cell_b, self.task]
        numbers = [self.gap, self.units, self.rate, self.forget_a, self.forget_b, self.input_bias]
        return "#train=" + ",".join([*names, *(f"{number:g}" for number in (*numbers, self.clip, self.seed))])
