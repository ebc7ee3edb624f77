"""Writes a tiny Qwen2-style model with random weights, in the layout in which such models are shared.

It exists so that tests can load a foreign model directory: model.onnx with the
logits contract, the same with empty key-value caches (model_with_past.onnx),
config.json, a tokenizer.json of that family, and the losses PyTorch computes.
"""

import argparse
import json
import math
import sysconfig
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from . import parity_texts
from .export import sha256, write_json
from .graph import Graph
from .paths import TESTDATA

CONFIG = {
    "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_act": "silu", "hidden_size": 48,
    "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "max_position_embeddings": 1024, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0, "tie_word_embeddings": True,
    "vocab_size": 2048, "bos_token_id": 2000, "eos_token_id": 2000, "torch_dtype": "float32", "use_cache": True,
}
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
LEARNED = 2000
# The split of the Qwen2 tokenizers: like cl100k's, but every digit stands alone.
SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
         r"\s*[\r\n]+|\s+(?!\S)|\s+")


def train_tokenizer():
    """Returns a byte-level BPE learned from Python's standard library."""
    tok = Tokenizer(models.BPE())
    tok.normalizer = normalizers.NFC()
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)])
    tok.decoder = decoders.ByteLevel()
    tok.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(vocab_size=LEARNED, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
                                  show_progress=False)
    std = Path(sysconfig.get_paths()["stdlib"])
    tok.train(sorted(str(p) for p in std.glob("*.py"))[:80], trainer)
    tok.add_special_tokens(list(SPECIAL))
    return tok


def to_json(tok):
    """Returns tokenizer.json with merges spelled as 'left right', as the published files of the family have them."""
    layout = json.loads(tok.to_str())
    layout["model"]["merges"] = [" ".join(pair) for pair in layout["model"]["merges"]]
    return layout


def random_weights():
    """Returns the weights by the names the family uses, [out, in], large enough to give uneven losses."""
    gen = torch.Generator().manual_seed(5)
    d, inner, kv = CONFIG["hidden_size"], CONFIG["intermediate_size"], CONFIG["hidden_size"] // 2

    def draw(*shape, std):
        return torch.randn(*shape, generator=gen) * std

    weights = {"embed": draw(CONFIG["vocab_size"], d, std=0.4), "norm": 1 + draw(d, std=0.1)}
    for n in range(CONFIG["num_hidden_layers"]):
        for name, out, into in (("q", d, d), ("k", kv, d), ("v", kv, d), ("o", d, d), ("gate", inner, d),
                                ("up", inner, d), ("down", d, inner)):
            weights[f"{n}.{name}"] = draw(out, into, std=1.5 / math.sqrt(into))
            if name in "qkv":
                weights[f"{n}.{name}.bias"] = draw(out, std=0.3)
        weights[f"{n}.norm1"], weights[f"{n}.norm2"] = 1 + draw(d, std=0.1), 1 + draw(d, std=0.1)
    return weights


def tables(length):
    half = CONFIG["hidden_size"] // CONFIG["num_attention_heads"] // 2
    angle = np.arange(length)[:, None] * CONFIG["rope_theta"] ** (-np.arange(half) / half)
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def losses(w, ids):
    """Returns the loss of ids[1:], computed with PyTorch only."""
    d, heads, groups = CONFIG["hidden_size"], CONFIG["num_attention_heads"], CONFIG["num_key_value_heads"]
    x, t = w["embed"][torch.tensor(ids)], len(ids)
    cos, sin = map(torch.from_numpy, tables(t))

    def norm(x, scale):
        return F.rms_norm(x, (d,), scale, CONFIG["rms_norm_eps"])

    def split(x, n, turn):
        x = x.view(t, n, -1).transpose(0, 1)
        a, b = x.chunk(2, -1)
        x = torch.cat((a * cos - b * sin, b * cos + a * sin), -1) if turn else x
        return x if n == heads else x.repeat_interleave(heads // groups, 0)

    for n in range(CONFIG["num_hidden_layers"]):
        y = norm(x, w[f"{n}.norm1"])
        q, k, v = (split(F.linear(y, w[f"{n}.{name}"], w[f"{n}.{name}.bias"]), size, name != "v")
                   for name, size in (("q", heads), ("k", groups), ("v", groups)))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + F.linear(y.transpose(0, 1).reshape(t, d), w[f"{n}.o"])
        y = norm(x, w[f"{n}.norm2"])
        x = x + F.linear(F.silu(F.linear(y, w[f"{n}.gate"])) * F.linear(y, w[f"{n}.up"]), w[f"{n}.down"])
    logits = F.linear(norm(x, w["norm"]), w["embed"])
    return F.cross_entropy(logits[:-1], torch.tensor(ids[1:]), reduction="none")


def visible(g, past):
    """Adds the additive mask [B, 1, T, P+T]: causal, shifted by the cache, and without padding."""
    t, total = g.size("input_ids", 1), g.size("attention_mask", 1)
    rows = g.op("Add", g.iota(t), g.op("Sub", total, t)) if past else g.iota(t)
    later = g.op("Greater", g.op("Unsqueeze", g.iota(total), g.const([0])), g.op("Unsqueeze", rows, g.const([1])))
    padded = g.op("Unsqueeze", g.op("Equal", "attention_mask", g.const(0)), g.const([1, 2]))
    return g.op("Where", g.op("Or", later, padded), g.const(-1e9, np.float32), g.const(0, np.float32))


class Layers:
    """Adds the decoder layers to a graph."""

    def __init__(self, g, weights, past):
        self.g, self.w, self.past, self.caches = g, weights, past, []
        self.mask = visible(g, past)
        cos, sin = tables(CONFIG["max_position_embeddings"])
        self.cos, self.sin = (g.op("Unsqueeze", g.op("Gather", g.const(a, np.float32), "position_ids", axis=0), g.const([1]))
                              for a in (cos, sin))

    def norm(self, x, name):
        mean = self.g.op("ReduceMean", self.g.op("Mul", x, x), axes=[-1], keepdims=1)
        root = self.g.op("Sqrt", self.g.op("Add", mean, self.g.const(CONFIG["rms_norm_eps"], np.float32)))
        return self.g.op("Mul", self.g.op("Div", x, root), self.g.const(self.w[name].numpy(), np.float32))

    def linear(self, x, name):
        y = self.g.op("MatMul", x, self.g.const(self.w[name].T.numpy(), np.float32))
        return self.g.op("Add", y, self.g.const(self.w[name + ".bias"].numpy(), np.float32)) if name + ".bias" in self.w else y

    def heads(self, x, count, turn):
        g, width = self.g, CONFIG["hidden_size"] // CONFIG["num_attention_heads"]
        x = g.op("Transpose", g.op("Reshape", x, g.const([0, 0, count, width])), perm=[0, 2, 1, 3])
        if not turn:
            return x
        a, b = g.op("Split", x, outputs=2, axis=3)
        left = g.op("Sub", g.op("Mul", a, self.cos), g.op("Mul", b, self.sin))
        return g.op("Concat", left, g.op("Add", g.op("Mul", b, self.cos), g.op("Mul", a, self.sin)), axis=3)

    def cached(self, x, n, name):
        """Joins x to its cache and gives the result out as the next cache."""
        if not self.past:
            return x
        joined = self.g.op("Concat", f"past_key_values.{n}.{name}", x, axis=2)
        self.g.nodes.append(helper.make_node("Identity", [joined], [f"present.{n}.{name}"]))
        self.caches.append(f"{n}.{name}")
        return joined

    def spread(self, x):
        """Repeats each key-value head for the query heads that share it."""
        g, width = self.g, CONFIG["hidden_size"] // CONFIG["num_attention_heads"]
        heads, groups = CONFIG["num_attention_heads"], CONFIG["num_key_value_heads"]
        x = g.op("Unsqueeze", x, g.const([2]))
        x = g.op("Tile", x, g.const([1, 1, heads // groups, 1, 1]))
        return g.op("Reshape", x, g.const([0, heads, -1, width]))

    def attention(self, x, n):
        g, d = self.g, CONFIG["hidden_size"]
        heads, groups = CONFIG["num_attention_heads"], CONFIG["num_key_value_heads"]
        q = self.heads(self.linear(x, f"{n}.q"), heads, True)
        k = self.spread(self.cached(self.heads(self.linear(x, f"{n}.k"), groups, True), n, "key"))
        v = self.spread(self.cached(self.heads(self.linear(x, f"{n}.v"), groups, False), n, "value"))
        scores = g.op("MatMul", q, g.op("Transpose", k, perm=[0, 1, 3, 2]))
        scores = g.op("Mul", scores, g.const(1 / math.sqrt(d // heads), np.float32))
        weights = g.op("Softmax", g.op("Add", scores, self.mask), axis=-1)
        y = g.op("Transpose", g.op("MatMul", weights, v), perm=[0, 2, 1, 3])
        return self.linear(g.op("Reshape", y, g.const([0, 0, d])), f"{n}.o")

    def run(self, x):
        g = self.g
        for n in range(CONFIG["num_hidden_layers"]):
            x = g.op("Add", x, self.attention(self.norm(x, f"{n}.norm1"), n))
            y = self.norm(x, f"{n}.norm2")
            gate = self.linear(y, f"{n}.gate")
            gate = g.op("Mul", gate, g.op("Sigmoid", gate))
            x = g.op("Add", x, self.linear(g.op("Mul", gate, self.linear(y, f"{n}.up")), f"{n}.down"))
        return self.norm(x, "norm")


def build(weights, past):
    """Returns the ONNX model of the logits contract, with key-value caches if past."""
    g = Graph()
    table = g.const(weights["embed"].numpy(), np.float32)
    layers = Layers(g, weights, past)
    h = layers.run(g.op("Gather", table, "input_ids", axis=0))
    g.nodes.append(helper.make_node("MatMul", [h, g.op("Transpose", table, perm=[1, 0])], ["logits"]))

    def value(name, kind, *shape):
        return helper.make_tensor_value_info(name, kind, shape)

    inputs = [value("input_ids", TensorProto.INT64, "batch_size", "sequence_length"),
              value("attention_mask", TensorProto.INT64, "batch_size", "total_sequence_length" if past else "sequence_length"),
              value("position_ids", TensorProto.INT64, "batch_size", "sequence_length")]
    outputs = [value("logits", TensorProto.FLOAT, "batch_size", "sequence_length", CONFIG["vocab_size"])]
    width = CONFIG["hidden_size"] // CONFIG["num_attention_heads"]
    for name in layers.caches:
        cache = ("batch_size", CONFIG["num_key_value_heads"])
        inputs.append(value("past_key_values." + name, TensorProto.FLOAT, *cache, "past_sequence_length", width))
        outputs.append(value("present." + name, TensorProto.FLOAT, *cache, "total_sequence_length", width))
    graph = helper.make_graph(g.nodes, "tiny-qwen2", inputs, outputs, g.weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="pith training.tiny_qwen2")
    made.ir_version = 8
    return made


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--out", type=Path, default=TESTDATA / "tiny-qwen2")
    out = ap.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    weights, tok = random_weights(), train_tokenizer()
    for name, past in (("model.onnx", False), ("model_with_past.onnx", True)):
        (out / name).write_bytes(build(weights, past).SerializeToString())
    write_json(out / "config.json", CONFIG, indent=2)
    write_json(out / "tokenizer.json", to_json(tok), indent=None)
    cases = []
    for name, given, text in parity_texts.cases():
        head, tail = tok.encode(given).ids, tok.encode(text).ids
        ids = (head + tail)[: CONFIG["max_position_embeddings"]]
        values = [None] + [round(v, 6) for v in losses(weights, ids).tolist()]
        cases.append({"name": name, "given": given, "text": text, "given_tokens": len(head), "ids": ids, "nll": values})
    write_json(out / "parity.json", {"model_sha256": sha256(out / "model.onnx"), "cases": cases}, indent=None)
    print(f"{sum(p.stat().st_size for p in out.iterdir()):,} bytes in {out.name}")


if __name__ == "__main__":
    main()
