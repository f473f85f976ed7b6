"""The cells, gates, gradients and attention of the course *Understanding LSTMs*."""
