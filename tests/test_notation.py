"""The converters against each notation's own equations, published numbers, and PyTorch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lstmlib.activations import sigmoid
from lstmlib.coupled_lstm import CoupledLSTM
from lstmlib.gru import GRU
from lstmlib.lstm import LSTM, LSTMState
from lstmlib.notation import LAYOUTS, convert, from_torch, to_torch
from lstmlib.peephole_lstm import PeepholeLSTM
from lstmlib.rnn import RNN

T, B, D, H = 4, 3, 2, 5
TWO_BIASES = ("torch", "onnx")
ONE_BIAS = tuple(name for name in LAYOUTS if name not in TWO_BIASES)


# The forward pass written once more in every notation, from its documentation


def lstm_torch(x, p):
    module = torch.nn.LSTM(x.shape[2], p["weight_hh_l0"].shape[1], dtype=torch.float64)
    module.load_state_dict({name: torch.tensor(value) for name, value in p.items()})
    with torch.no_grad():
        return module(torch.tensor(x))[0].numpy()


def lstm_lstmlib(x, p):
    W_i, W_f, W_g, W_o = np.split(p["W_x"], 4)
    R_i, R_f, R_g, R_o = np.split(p["W_h"], 4)
    b_i, b_f, b_g, b_o = np.split(p["b"], 4)
    h = c = np.zeros((x.shape[1], len(b_i)))
    hs = []
    for x_t in x:
        i, f, o = (
            sigmoid(x_t @ W.T + h @ R.T + b)
            for W, R, b in ((W_i, R_i, b_i), (W_f, R_f, b_f), (W_o, R_o, b_o))
        )
        c = f * c + i * np.tanh(x_t @ W_g.T + h @ R_g.T + b_g)
        h = o * np.tanh(c)
        hs.append(h)
    return np.stack(hs)


def lstm_keras(x, p):
    carry = h = np.zeros((x.shape[1], len(p["recurrent_kernel"])))
    hs = []
    for inputs in x:
        z = inputs @ p["kernel"] + h @ p["recurrent_kernel"] + p["bias"]
        z_i, z_f, z_c, z_o = np.split(z, 4, axis=1)
        carry = sigmoid(z_f) * carry + sigmoid(z_i) * np.tanh(z_c)
        h = sigmoid(z_o) * np.tanh(carry)
        hs.append(h)
    return np.stack(hs)


def lstm_onnx(x, p):
    W_i, W_o, W_f, W_c = np.split(p["W"][0], 4)
    R_i, R_o, R_f, R_c = np.split(p["R"][0], 4)
    Wb_i, Wb_o, Wb_f, Wb_c, Rb_i, Rb_o, Rb_f, Rb_c = np.split(p["B"][0], 8)
    H_t = C_t = np.zeros((x.shape[1], len(Wb_i)))
    Y = []
    for X_t in x:
        i_t = sigmoid(X_t @ W_i.T + H_t @ R_i.T + Wb_i + Rb_i)
        f_t = sigmoid(X_t @ W_f.T + H_t @ R_f.T + Wb_f + Rb_f)
        c_t = np.tanh(X_t @ W_c.T + H_t @ R_c.T + Wb_c + Rb_c)
        o_t = sigmoid(X_t @ W_o.T + H_t @ R_o.T + Wb_o + Rb_o)
        C_t = f_t * C_t + i_t * c_t
        H_t = o_t * np.tanh(C_t)
        Y.append(H_t)
    return np.stack(Y)


def lstm_cs231n(x, p):
    h = c = np.zeros((x.shape[1], len(p["Wh"])))
    hs = []
    for x_t in x:
        a_i, a_f, a_o, a_g = np.split(x_t @ p["Wx"] + h @ p["Wh"] + p["b"], 4, axis=1)
        c = sigmoid(a_f) * c + sigmoid(a_i) * np.tanh(a_g)
        h = sigmoid(a_o) * np.tanh(c)
        hs.append(h)
    return np.stack(hs)


def lstm_colah(x, p):
    h = C = np.zeros((x.shape[1], len(p["b_f"])))
    hs = []
    for x_t in x:
        h_x = np.concatenate([h, x_t], axis=1)
        f = sigmoid(h_x @ p["W_f"].T + p["b_f"])
        i = sigmoid(h_x @ p["W_i"].T + p["b_i"])
        C_tilde = np.tanh(h_x @ p["W_C"].T + p["b_C"])
        C = f * C + i * C_tilde
        o = sigmoid(h_x @ p["W_o"].T + p["b_o"])
        h = o * np.tanh(C)
        hs.append(h)
    return np.stack(hs)


def lstm_ltm_stm(x, p):
    STM = LTM = np.zeros((x.shape[1], len(p["b_f"])))
    STMs = []
    for E in x:
        STM_E = np.concatenate([STM, E], axis=1)
        N = np.tanh(STM_E @ p["W_n"].T + p["b_n"])
        i = sigmoid(STM_E @ p["W_i"].T + p["b_i"])
        f = sigmoid(STM_E @ p["W_f"].T + p["b_f"])
        V = sigmoid(STM_E @ p["W_v"].T + p["b_v"])
        LTM = LTM * f + N * i
        STM = np.tanh(LTM) * V  # the standard cell's use gate, without W_u
        STMs.append(STM)
    return np.stack(STMs)


FORWARD = {name: globals()[f"lstm_{name}"] for name in LAYOUTS}


def example(seed=0):
    """A layer whose bias is not zero, and an input."""
    rng = np.random.default_rng(seed)
    layer = LSTM(D, H, rng=rng)
    layer.params["b"][...] = rng.standard_normal(4 * H)
    return layer, rng.standard_normal((T, B, D))


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_converted_layer_computes_the_same_by_the_equations_of_its_notation(name):
    layer, x = example()
    expected, _ = layer.forward(x)
    converted = convert(layer.params, source="lstmlib", target=name)
    np.testing.assert_allclose(FORWARD[name](x, converted), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("source", LAYOUTS)
@pytest.mark.parametrize("target", LAYOUTS)
def test_every_pair_of_notations_computes_the_same(source, target):
    layer, x = example()
    there = convert(layer.params, source="lstmlib", target=source)
    converted = convert(there, source=source, target=target)
    np.testing.assert_allclose(FORWARD[target](x, converted), FORWARD[source](x, there), rtol=0, atol=1e-10)


def test_weights_read_in_another_order_compute_something_else():
    layer, x = example()
    keras = convert(layer.params, source="lstmlib", target="keras")
    misread = {"Wx": keras["kernel"], "Wh": keras["recurrent_kernel"], "b": keras["bias"]}
    assert np.abs(lstm_cs231n(x, misread) - lstm_keras(x, keras)).max() > 0.1


# Numbers that others have published


def load(layer, params, source):
    for name, value in convert(params, source=source, target="lstmlib").items():
        layer.params[name][...] = value
    return layer


def test_published_numbers_of_cs231n():
    # Stanford CS231n, assignment 3, the check of one LSTM step.
    N, d, h = 3, 4, 5
    x = np.linspace(-0.4, 1.2, N * d).reshape(N, d)
    state = LSTMState(
        np.linspace(-0.3, 0.7, N * h).reshape(N, h), np.linspace(-0.4, 0.9, N * h).reshape(N, h)
    )
    params = {
        "Wx": np.linspace(-2.1, 1.3, 4 * d * h).reshape(d, 4 * h),
        "Wh": np.linspace(-0.7, 2.2, 4 * h * h).reshape(h, 4 * h),
        "b": np.linspace(0.3, 0.7, 4 * h),
    }
    new, _ = load(LSTM(d, h), params, "cs231n").step(x, state)
    next_h = [
        [0.24635157, 0.28610883, 0.32240467, 0.35525807, 0.38474904],
        [0.49223563, 0.55611431, 0.61507696, 0.66844003, 0.7159181],
        [0.56735664, 0.66310127, 0.74419266, 0.80889665, 0.858299],
    ]
    next_c = [
        [0.32986176, 0.39145139, 0.451556, 0.51014116, 0.56717407],
        [0.66382255, 0.76674007, 0.87195994, 0.97902709, 1.08751345],
        [0.74192008, 0.90592151, 1.07717006, 1.25120233, 1.42395676],
    ]
    np.testing.assert_allclose(new.h, next_h, rtol=0, atol=5e-9)
    np.testing.assert_allclose(new.c, next_c, rtol=0, atol=5e-9)


def keras_constants(d, h):
    """All kernels 0.01, all recurrent ones 0.02, biases 0.03 but 1 at the forget gate."""
    bias = np.concatenate([np.full(h, 0.03), np.ones(h), np.full(2 * h, 0.03)])
    return {"kernel": np.full((d, 4 * h), 0.01), "recurrent_kernel": np.full((h, 4 * h), 0.02), "bias": bias}


def test_published_numbers_of_keras():
    # Keras, keras/src/layers/rnn/lstm_test.py, test_correctness: the state after six steps.
    x = np.arange(72.0).reshape(3, 6, 4).swapaxes(0, 1)
    _, state = load(LSTM(4, 3), keras_constants(4, 3), "keras").forward(x)
    expected = [[0.6288687] * 3, [0.86899155] * 3, [0.9460773] * 3]
    np.testing.assert_allclose(state.h, expected, rtol=0, atol=1e-6)


def test_published_numbers_of_keras_from_an_initial_state():
    # The same file, test_pass_initial_state.
    x = np.arange(24.0).reshape(2, 4, 3).swapaxes(0, 1)
    start = np.arange(4.0).reshape(2, 2)
    _, state = load(LSTM(3, 2), keras_constants(3, 2), "keras").forward(x, LSTMState(start, start))
    expected = [[0.20574439, 0.3558822], [0.64930826, 0.66276]]
    np.testing.assert_allclose(state.h, expected, rtol=0, atol=1e-6)


def test_published_numbers_of_keras_with_a_mask():
    # The same file, test_masking with return_sequences.
    x = np.arange(24.0).reshape(2, 4, 3).swapaxes(0, 1)
    mask = np.array([[True, True, True, False], [True, True, False, False]]).T
    h, _ = load(LSTM(3, 2), keras_constants(3, 2), "keras").forward(x, mask=mask)
    expected = [
        [0.01588910, 0.05552048, 0.11755939, 0.11755939],
        [0.14185596, 0.28556206, 0.28556206, 0.28556206],
    ]
    np.testing.assert_allclose(h[..., 0].T, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(h[..., 1].T, expected, rtol=0, atol=1e-6)


def test_published_numbers_of_onnx_runtime():
    # ONNX Runtime, deep_cpu_lstm_op_test.cc, ForwardSimpleWeightsNoBiasTwoRows.
    params = {
        "W": np.array([0.1, 0.2, 0.3, 0.4, 1, 2, 3, 4, 10, 11, 12, 13]).reshape(1, 12, 1),
        "R": np.full((1, 12, 3), 0.1),
        "B": np.zeros((1, 24)),
    }
    x = np.array([1.0, 2, 10, 11]).reshape(2, 2, 1)
    h, state = load(LSTM(1, 3), params, "onnx").forward(x)
    Y = [
        [[0.28828835, 0.36581863, 0.45679406], [0.34526032, 0.47220859, 0.55850911]],
        [[0.84196719, 0.89402526, 0.91073048], [0.85882828, 0.90703777, 0.92382453]],
    ]
    Y_c = [[1.27731147, 1.44181041, 1.53179041], [1.3249796, 1.51063104, 1.61451544]]
    np.testing.assert_allclose(h, Y, rtol=0, atol=1e-6)
    np.testing.assert_allclose(state.c, Y_c, rtol=0, atol=1e-6)


# Round trips

sizes = {"d": st.integers(1, 4), "h": st.integers(1, 4)}
AWKWARD = [0.0, -0.0, 5e-324, -5e-324, 1e308, -1e308, 1 / 3, -1.0]


def any_params(name, seed, d, h, dtype=np.float64):
    """Parameters in a notation, of every size and sign a float can have."""
    rng = np.random.default_rng(seed)
    shapes = {
        "lstmlib": {"W_x": (4 * h, d), "W_h": (4 * h, h), "b": (4 * h,)},
        "torch": {
            "weight_ih_l0": (4 * h, d),
            "weight_hh_l0": (4 * h, h),
            "bias_ih_l0": (4 * h,),
            "bias_hh_l0": (4 * h,),
        },
        "keras": {"kernel": (d, 4 * h), "recurrent_kernel": (h, 4 * h), "bias": (4 * h,)},
        "onnx": {"W": (1, 4 * h, d), "R": (1, 4 * h, h), "B": (1, 8 * h)},
        "cs231n": {"Wx": (d, 4 * h), "Wh": (h, 4 * h), "b": (4 * h,)},
        "colah": {f"W_{g}": (h, h + d) for g in "ifCo"} | {f"b_{g}": (h,) for g in "ifCo"},
        "ltm_stm": {f"W_{g}": (h, h + d) for g in "nifv"} | {f"b_{g}": (h,) for g in "nifv"},
    }[name]
    awkward = np.array(AWKWARD if dtype == np.float64 else [0.0, -0.0, 1 / 3, -1.0])

    def draw(shape):
        values = np.where(rng.random(shape) < 0.3, rng.choice(awkward, shape), rng.standard_normal(shape))
        return values.astype(dtype)

    return {key: draw(shape) for key, shape in shapes.items()}


def assert_same_bits(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert (a[name].dtype, a[name].shape) == (b[name].dtype, b[name].shape)
        assert a[name].tobytes() == b[name].tobytes(), name


@given(x=st.sampled_from(ONE_BIAS), y=st.sampled_from(LAYOUTS), seed=st.integers(0, 2**32 - 1), **sizes)
def test_there_and_back_returns_every_bit(x, y, seed, d, h):
    params = any_params(x, seed, d, h)
    assert_same_bits(convert(convert(params, source=x, target=y), source=y, target=x), params)


@given(x=st.sampled_from(TWO_BIASES), y=st.sampled_from(TWO_BIASES), seed=st.integers(0, 2**32 - 1), **sizes)
def test_two_biases_survive_among_notations_that_have_two(x, y, seed, d, h):
    params = any_params(x, seed, d, h)
    assert_same_bits(convert(convert(params, source=x, target=y), source=y, target=x), params)


@given(y=st.sampled_from(ONE_BIAS), seed=st.integers(0, 2**32 - 1), **sizes)
def test_a_second_bias_of_zero_survives_a_notation_with_one(y, seed, d, h):
    params = any_params("torch", seed, d, h) | {"bias_hh_l0": np.zeros(4 * h)}
    assert_same_bits(convert(convert(params, source="torch", target=y), source=y, target="torch"), params)


def test_onnx_puts_the_input_bias_first():
    params = any_params("torch", 0, D, 1)
    B_ = convert(params, source="torch", target="onnx")["B"][0]
    # H = 1, so each gate is one number; i, f, g, o becomes i, o, f, g.
    np.testing.assert_array_equal(B_[:4], params["bias_ih_l0"][[0, 3, 1, 2]])
    np.testing.assert_array_equal(B_[4:], params["bias_hh_l0"][[0, 3, 1, 2]])


@pytest.mark.parametrize("y", ONE_BIAS)
def test_two_biases_become_their_sum_and_the_function_stays(y):
    rng = np.random.default_rng(0)
    layer, x = example()
    params = convert(layer.params, source="lstmlib", target="torch")
    params["bias_hh_l0"] = rng.standard_normal(4 * H)
    back = convert(convert(params, source="torch", target=y), source=y, target="torch")
    np.testing.assert_array_equal(back["bias_ih_l0"], params["bias_ih_l0"] + params["bias_hh_l0"])
    np.testing.assert_array_equal(back["bias_hh_l0"], 0)
    np.testing.assert_allclose(lstm_torch(x, back), lstm_torch(x, params), rtol=0, atol=1e-14)


@given(path=st.lists(st.sampled_from(LAYOUTS), max_size=5), seed=st.integers(0, 2**32 - 1), **sizes)
def test_a_long_way_round_returns_every_bit(path, seed, d, h):
    params = walked = any_params("lstmlib", seed, d, h)
    for source, target in zip(["lstmlib", *path], [*path, "lstmlib"], strict=True):
        walked = convert(walked, source=source, target=target)
    assert_same_bits(walked, params)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("y", LAYOUTS)
def test_dtype_is_kept(y, dtype):
    params = any_params("keras", 0, D, H, dtype)
    converted = convert(params, source="keras", target=y)
    assert {value.dtype for value in converted.values()} == {np.dtype(dtype)}
    assert_same_bits(convert(converted, source=y, target="keras"), params)


@pytest.mark.parametrize("source", LAYOUTS)
@pytest.mark.parametrize("target", LAYOUTS)
@pytest.mark.parametrize("d", [1, 3])
def test_the_result_shares_no_memory_with_the_argument_or_itself(source, target, d):
    params = any_params(source, 0, d, 2)
    converted = convert(params, source=source, target=target)
    for name, value in converted.items():
        others = [*params.values(), *(v for n, v in converted.items() if n != name)]
        assert not any(np.shares_memory(value, other) for other in others)
        assert value.flags.c_contiguous
        assert value.flags.writeable


def test_a_state_dict_is_converted_as_it_is():
    module = torch.nn.LSTM(D, H)
    converted = convert(module.state_dict(), source="torch", target="lstmlib")
    layer = from_torch(module)
    assert_same_bits(converted, layer.params)


# Bad input to convert


def test_unknown_notation_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"source must be one of lstmlib, torch, keras, .*; got 'tf'"):
        convert({}, source="tf", target="torch")
    with pytest.raises(ValueError, match=r"target must be one of .*ltm_stm; got 'TORCH'"):
        convert(any_params("keras", 0, D, H), source="keras", target="TORCH")


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_missing_key_is_named(name):
    params = any_params(name, 0, D, H)
    for key in params:
        rest = {k: v for k, v in params.items() if k != key}
        with pytest.raises(ValueError, match=f"params lacks {key}: one layer in {name} is "):
            convert(rest, source=name, target="lstmlib")


def test_several_keys_are_named_one_by_one():
    params = any_params("keras", 0, D, H)
    with pytest.raises(
        ValueError, match=r"lacks kernel, bias: one layer in keras is kernel .*; a bias it has not is zeros$"
    ):
        convert({"recurrent_kernel": params["recurrent_kernel"]}, source="keras", target="lstmlib")
    with pytest.raises(ValueError, match="must not have a, b: one layer"):
        convert(params | {"a": 1, "b": 2}, source="keras", target="lstmlib")


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_unexpected_key_is_named(name):
    params = any_params(name, 0, D, H) | {"weight_ih_l1": np.ones((4 * H, H))}
    with pytest.raises(ValueError, match=f"must not have weight_ih_l1: one layer in {name}"):
        convert(params, source=name, target="lstmlib")


@pytest.mark.parametrize("key", ["W_u", "b_u"])
def test_the_use_gate_has_no_counterpart(key):
    params = any_params("ltm_stm", 0, D, H) | {key: np.ones((H, H))}
    with pytest.raises(ValueError, match="the use gate's W_u has no counterpart in the standard cell"):
        convert(params, source="ltm_stm", target="lstmlib")


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_wrong_shape_is_refused(name):
    params = any_params(name, 0, D, H)
    for key, value in params.items():
        for wrong in (np.pad(value, [(0, 1)] * value.ndim), value[None], value[..., :0]):
            with pytest.raises(ValueError, match=r"must have shape|must not be empty"):
                convert(params | {key: wrong}, source=name, target="lstmlib")


@pytest.mark.parametrize(
    ("source", "change", "message"),
    [
        ("torch", {"weight_ih_l0": np.ones((D, 4 * H))}, r"weight_ih_l0 must have shape \(4H=20, D=20\)"),
        ("keras", {"bias": np.ones(8 * H)}, r"bias must have shape \(4H=20\), got \(40,\)"),
        ("onnx", {"W": np.ones((2, 4 * H, D))}, r"W must have shape \(directions=1, 4H=20, D=2\)"),
        ("colah", {"W_f": np.ones((H, H))}, r"W_f must have shape \(H=5, H\+D=7\), got \(5, 5\)"),
        ("lstmlib", {"W_x": np.ones((4 * H, D), int)}, "W_x must hold floats, got dtype int64"),
        ("lstmlib", {"b": np.array(["b"] * 4 * H)}, "b must hold floats"),
        ("cs231n", {"b": np.full(4 * H, np.nan)}, "b must be finite, got nan at index"),
        ("keras", {"bias": np.ones(4 * H, np.float32)}, "share one dtype, got float32 and float64"),
    ],
)
def test_wrong_arrays_are_named(source, change, message):
    with pytest.raises(ValueError, match=message):
        convert(any_params(source, 0, D, H) | change, source=source, target="lstmlib")


def test_matrices_without_a_column_for_the_input_are_refused():
    params = {name: value[..., :H] for name, value in any_params("colah", 0, D, H).items()}
    with pytest.raises(ValueError, match=r"must have shape \(H=5, H\+D=6\), got \(5, 5\)"):
        convert(params, source="colah", target="lstmlib")


def test_a_list_of_arrays_is_told_the_names():
    with pytest.raises(
        ValueError, match=r"must be a dict of arrays, got list: one layer in keras is kernel \(D"
    ):
        convert(list(any_params("keras", 0, D, H).values()), source="keras", target="lstmlib")


# PyTorch's modules

LAYERS = {"LSTM": LSTM, "RNN": RNN, "GRU": GRU}
any_layer = pytest.mark.parametrize("kind", LAYERS)
any_depth = pytest.mark.parametrize("depth", [1, 2, 3])


def stack(kind, depth, dtype=np.float64):
    """Layers with random biases, the first reading D features and the others H."""
    rng = np.random.default_rng(depth)
    layers = [LAYERS[kind](D if k == 0 else H, H, rng=rng, dtype=dtype) for k in range(depth)]
    for layer in layers:
        for name, value in layer.params.items():
            if name.startswith("b"):
                value[...] = rng.standard_normal(value.shape)
    return layers


def parts(state):
    return state if isinstance(state, tuple) else (state,)


@any_layer
@any_depth
def test_outputs_and_all_gradients_equal_those_of_the_torch_module(kind, depth):
    layers = stack(kind, depth)
    module = to_torch(layers if depth > 1 else layers[0])
    rng = np.random.default_rng(0)
    x, dh = rng.standard_normal((T, B, D)), rng.standard_normal((T, B, H))
    count = 2 if kind == "LSTM" else 1
    starts, dlasts = rng.standard_normal((2, count, depth, B, H))

    h, lasts, dstarts = x, [], []
    for k, layer in enumerate(layers):
        h, last = layer.forward(h, tuple(starts[:, k]))
        lasts.append(parts(last))
    dx = dh
    for k, layer in reversed(list(enumerate(layers))):
        dx, dstart = layer.backward(dx, tuple(dlasts[:, k]))
        dstarts.insert(0, parts(dstart))

    x_, starts_ = torch.tensor(x, requires_grad=True), torch.tensor(starts, requires_grad=True)
    h_, last_ = module(x_, tuple(starts_) if count == 2 else starts_[0])
    lasts_ = torch.stack(parts(last_))
    ((h_ * torch.tensor(dh)).sum() + (lasts_ * torch.tensor(dlasts)).sum()).backward()

    close = {"rtol": 0, "atol": 1e-10}
    np.testing.assert_allclose(h, h_.detach().numpy(), **close)
    np.testing.assert_allclose(np.swapaxes(lasts, 0, 1), lasts_.detach().numpy(), **close)
    np.testing.assert_allclose(dx, x_.grad.numpy(), **close)
    np.testing.assert_allclose(np.swapaxes(dstarts, 0, 1), starts_.grad.numpy(), **close)
    for k, layer in enumerate(layers):
        names = {"W_x": ["weight_ih"], "W_h": ["weight_hh"]}
        names |= {"b_x": ["bias_ih"], "b_h": ["bias_hh"]} if kind == "GRU" else {"b": ["bias_ih", "bias_hh"]}
        assert layer.grads.keys() == names.keys()
        for name, theirs in names.items():
            for their in theirs:
                gradient = getattr(module, f"{their}_l{k}").grad
                np.testing.assert_allclose(layer.grads[name], gradient.numpy(), **close)


@any_layer
@any_depth
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
def test_a_layer_from_torch_computes_what_the_module_computes(kind, depth, bias, batch_first):
    torch.manual_seed(0)
    module = getattr(torch.nn, kind)(D, H, depth, bias=bias, batch_first=batch_first, dtype=torch.float64)
    x = np.random.default_rng(0).standard_normal((T, B, D))
    layers = from_torch(module)
    assert isinstance(layers, list) == (depth > 1)
    h = x
    for layer in layers if depth > 1 else [layers]:
        assert type(layer) is LAYERS[kind]
        h, _ = layer.forward(h)
    with torch.no_grad():
        expected, _ = module(torch.tensor(x.swapaxes(0, 1) if batch_first else x))
    np.testing.assert_allclose(h.swapaxes(0, 1) if batch_first else h, expected.numpy(), rtol=0, atol=1e-10)


@any_layer
@any_depth
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_to_torch_and_back_returns_every_bit(kind, depth, dtype):
    layers = stack(kind, depth, dtype)
    for layer in layers:
        for name, value in layer.params.items():
            if name.startswith("b"):
                value[:2] = -0.0
    back = from_torch(to_torch(layers))
    for layer, returned in zip(layers, back if depth > 1 else [back], strict=True):
        assert (repr(returned), returned.dtype) == (repr(layer), layer.dtype)
        assert_same_bits(returned.params, layer.params)


def test_from_torch_and_back_is_the_same_function():
    torch.manual_seed(0)
    module = torch.nn.LSTM(D, H, 2, dtype=torch.float64)
    x = torch.randn(T, B, D, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(to_torch(from_torch(module))(x)[0], module(x)[0], rtol=0, atol=1e-14)


@any_layer
def test_neither_side_changes_when_the_other_does(kind):
    (layer,) = stack(kind, 1)
    module = to_torch(layer)
    returned = from_torch(module)
    before = {name: value.copy() for name, value in layer.params.items()}
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 1
    assert_same_bits(layer.params, before)
    assert_same_bits(returned.params, before)


def test_two_trained_biases_move_their_sum_twice_as_far():
    (layer,) = stack("LSTM", 1)
    module = to_torch(layer)
    x = np.random.default_rng(0).standard_normal((T, B, D))
    h, _ = layer.forward(x)
    layer.backward(np.ones_like(h))
    module(torch.tensor(x))[0].sum().backward()
    torch.optim.SGD(module.parameters(), lr=0.1).step()
    moved = (module.bias_ih_l0 + module.bias_hh_l0).detach().numpy() - layer.params["b"]
    np.testing.assert_allclose(moved, -2 * 0.1 * layer.grads["b"], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: [], "at least one layer"),
        (lambda: "LSTM", "PyTorch has a module for LSTM, RNN and GRU, got str"),
        (lambda: {"W_x": np.ones((4, 1))}, "got dict"),
        (lambda: PeepholeLSTM(D, H), "got PeepholeLSTM"),
        (lambda: CoupledLSTM(D, H), "got CoupledLSTM"),
        (lambda: GRU(D, H, reset_after=False), r"got GRU\(reset_after=False\)"),
        (
            lambda: [LSTM(D, H), LSTM(D, H)],
            r"layer 1 of .* must be LSTM\(5, 5\) of float64, got LSTM\(2, 5\)",
        ),
        (lambda: [LSTM(D, H), LSTM(H, 4)], r"got LSTM\(5, 4\)"),
        (lambda: [LSTM(D, H), RNN(H, H)], r"got RNN\(5, 5\)"),
        (lambda: [LSTM(D, H), LSTM(H, H, dtype=np.float32)], "got .* of float32"),
        (lambda: [GRU(D, H), GRU(H, H, reset_after=False)], "reset_after=False"),
    ],
)
def test_what_torch_does_not_have_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        to_torch(make())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: torch.nn.LSTM(D, H, bidirectional=True), "bidirectional=True: a layer reads one way"),
        (
            lambda: torch.nn.LSTM(D, H, proj_size=2),
            "module has proj_size=2: no layer here projects its state$",
        ),
        (lambda: torch.nn.GRU(D, H, 2, dropout=0.5), r"dropout=0.5: set module.dropout = 0"),
        (lambda: torch.nn.RNN(D, H, nonlinearity="relu"), "nonlinearity='relu'"),
        (lambda: torch.nn.LSTM(D, H, dtype=torch.bfloat16), "dtype torch.bfloat16: call module.float"),
        (lambda: torch.nn.Linear(D, H), "must be a torch.nn.LSTM, RNN or GRU, got Linear"),
        (lambda: torch.nn.LSTMCell(D, H), "got LSTMCell"),
        (lambda: LSTM(D, H), "must be a torch.nn.LSTM, RNN or GRU, got LSTM"),
        (lambda: None, "got NoneType"),
    ],
)
def test_what_no_layer_computes_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        from_torch(make())
