"""Rounds weights to eight bits with one scale per output channel."""

import numpy as np
import torch

from .model import Model


def quantize(tensor):
    """Returns (whole int8 [in, out], scale float32 [out]) of a matrix [in, out]."""
    array = tensor.detach().float().numpy()
    scale = np.maximum(np.abs(array).max(0), 1e-12).astype(np.float32) / np.float32(127)
    return np.rint(array / scale).astype(np.int8), scale


def dequantize(whole, scale):
    return whole.astype(np.float32) * scale


def round_matrix(weight):
    """Rounds weight [out, in]; rounding twice changes nothing."""
    return torch.from_numpy(dequantize(*quantize(weight.T)).T.copy())


def rounded(model):
    """Returns a copy of model with rounded matrices and the class rows folded into the token rows."""
    copy = Model(model.config, model.classes.tolist()).eval()
    state = {name: round_matrix(p) if p.ndim == 2 else p.float() for name, p in model.state_dict().items()}
    state["token.weight"] = round_matrix(model.table())
    state["word.weight"] = torch.zeros_like(state["word.weight"])
    copy.load_state_dict(state)
    return copy
