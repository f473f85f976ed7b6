"""The cells, gates, gradients and attention of the course *Understanding LSTMs*.

Here are the layers and what trains them; everything else is imported from its module.
"""

from lstmlib.lstm import LSTM
from lstmlib.rnn import RNN
from lstmlib.training import train
from lstmlib.translation import BidirectionalLSTM
from lstmlib.variants import GRU, MLSTM, SLSTM, CoupledLSTM, MinLSTM, NoForgetLSTM, PeepholeLSTM

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
    "__version__",
    "train",
]

__version__ = "0.1.0"  # pyproject.toml reads it here
