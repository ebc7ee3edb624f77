"""Rounds weights to eight bits with one scale per output channel, and reads them back from an exported graph."""

import numpy as np
import onnx
import torch
from onnx import numpy_helper

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
    """Returns a copy of model that computes as its graph does.

    Its matrices and values are rounded, and the class rows are folded into
    the token rows.
    """
    copy = Model(model.config, model.classes.tolist()).eval()
    state = {name: round_matrix(p) if p.ndim == 2 else p.float() for name, p in model.state_dict().items()}
    state["token.weight"] = round_matrix(model.table())
    state["word.weight"] = torch.zeros_like(state["word.weight"])
    copy.load_state_dict(state)
    for layer in copy.layers:
        layer.half_values = True
    return copy


def from_graph(path, config, classes):
    """Returns the model whose weights an exported graph holds; its class rows are zero, folded into the token rows."""
    held = {t.name: numpy_helper.to_array(t) for t in onnx.load(str(path)).graph.initializer}
    model = Model(config, classes)
    state = model.state_dict()

    def matrix(name):
        return torch.from_numpy(dequantize(held[name + ".int8"], held[name + ".scale"]).T.copy())

    for name, old in state.items():
        if name == "word.weight":
            state[name] = torch.zeros_like(old)
        elif name.endswith("qkv.weight"):
            state[name] = torch.cat([matrix(f"{name}.{part}") for part in range(3)])
        else:
            state[name] = matrix(name) if old.ndim == 2 else torch.from_numpy(held[name].copy())
    model.load_state_dict(state)
    return model
