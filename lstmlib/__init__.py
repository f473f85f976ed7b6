"""The cells, gates, gradients and attention of the course *Understanding LSTMs*.

Here are the layers and what trains them; everything else is imported from its module.
"""

from lstmlib.ablation import UnsquashedLSTM
from lstmlib.bidirectional_lstm import BidirectionalLSTM
from lstmlib.coupled_lstm import CoupledLSTM
from lstmlib.gru import GRU
from lstmlib.lstm import LSTM
from lstmlib.min_lstm import MinLSTM
from lstmlib.mlstm import MLSTM
from lstmlib.no_forget_lstm import NoForgetLSTM
from lstmlib.peephole_lstm import PeepholeLSTM
from lstmlib.rnn import RNN
from lstmlib.slstm import SLSTM
from lstmlib.training import train

__all__ = [
    "GRU",
    "LSTM",
    "MLSTM",
    "RNN",
    "SLSTM",
    "BidirectionalLSTM",
    "CoupledLSTM",
    "MinLSTM",
    "NoForgetLSTM",
    "PeepholeLSTM",
    "UnsquashedLSTM",
    "__version__",
    "train",
]

__version__ = "0.1.0"  # pyproject.toml reads it here
