"""Builds the ONNX graphs of the model by hand.

By hand, so that the runtime's fused operators (com.microsoft) for attention
and rotary positions are used, so that the nll contract gathers the wanted
positions before the wide steps, and so that a pass can go on where an earlier
one left off: past_key_values.* hold what that one left in new.*.
"""

import math

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from .quant import quantize

OPSET = 17
FUSED = "com.microsoft"


class Graph:
    """Collects nodes and weights; every method returns the name of what it made."""

    def __init__(self):
        self.nodes, self.weights, self.count = [], [], 0

    def op(self, kind, *inputs, outputs=1, domain="", **attributes):
        self.count += 1
        names = [f"{kind}_{self.count}" + (f"_{i}" if i else "") for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def const(self, value, dtype=np.int64, name=None):
        self.count += 1
        name = name or f"const_{self.count}"
        self.weights.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def weight(self, tensor, name):
        """Stores a matrix [in, out] as int8 with one scale per output; the graph computes in float32.

        The runtime multiplies constants out when it loads the model, so this
        costs size only, no speed. The tensor must already be rounded
        (quant.rounded): then nothing is lost here.
        """
        whole, scale = quantize(tensor)
        as_float = self.op("Cast", self.const(whole, np.int8, name + ".int8"), to=TensorProto.FLOAT)
        return self.op("Mul", as_float, self.const(scale, np.float32, name + ".scale"))

    def plain(self, tensor, name):
        """Stores a vector in float32."""
        return self.const(tensor.detach().float().numpy(), np.float32, name)

    def linear(self, x, layer, name):
        y = self.op("MatMul", x, self.weight(layer.weight.T, name + ".weight"))
        return y if layer.bias is None else self.op("Add", y, self.plain(layer.bias, name + ".bias"))

    def norm(self, x, layer, name):
        scale = self.plain(layer.weight, name + ".weight")
        return self.op("SimplifiedLayerNormalization", x, scale, axis=-1, epsilon=1e-6, stash_type=1)

    def size(self, x, axis):
        return self.op("Gather", self.op("Shape", x), self.const([axis]), axis=0)

    def iota(self, length):
        """Returns 0..length-1 for a length of shape [1]."""
        return self.op("Range", self.const(0), self.op("Squeeze", length), self.const(1))


def rope(g, config):
    """Adds the rotary tables, computed when the runtime folds constants rather than stored."""
    half = config.width // config.heads // 2
    steps = g.const(np.arange(config.max_tokens)[:, None], np.float64)
    angle = g.op("Mul", steps, g.const(config.rope_base ** (-np.arange(half) / half), np.float64))
    turn = g.op("Mod", angle, g.const(2 * math.pi, np.float64), fmod=1)
    turn = g.op("Cast", turn, to=TensorProto.FLOAT)
    return g.op("Cos", turn), g.op("Sin", turn)


class Past:
    """What earlier passes left of the tokens before, as inputs, and what this pass leaves, as outputs.

    Values travel as half floats, which takes a quarter off its memory. They are
    rounded before a pass's own attention, too: a loss must not depend on where
    the text was cut into passes. Keys and hidden states in half floats would
    move losses by up to 2e-2 nats.
    """

    def __init__(self, g, width):
        self.g, self.width, self.inputs, self.outputs = g, width, [], []
        self.length = g.size("past_ids", 1)

    def read(self, name, heads, width, kind):
        """Returns past_key_values.<name>, [B, heads, P, width]."""
        full = "past_key_values." + name
        self.inputs.append(helper.make_tensor_value_info(full, kind, ["batch", heads, "past", width]))
        return full

    def leave(self, name, fresh, heads, width, kind):
        """Adds the output new.<name> of fresh [B, heads, T, width]."""
        self.g.nodes.append(helper.make_node("Identity", [fresh], ["new." + name]))
        self.outputs.append(helper.make_tensor_value_info("new." + name, kind, ["batch", heads, "time", width]))

    def hidden(self, h):
        """Returns the hidden states [B, P+T, d] of all tokens; those of this pass are h [B, T, d]."""
        g, shape = self.g, (1, self.width, TensorProto.FLOAT)
        own = g.op("Unsqueeze", h, g.const([1]))
        self.leave("hidden", own, *shape)
        return g.op("Squeeze", g.op("Concat", self.read("hidden", *shape), own, axis=2), g.const([1]))


class Table:
    """The embedding of every token. Rows are taken from its eight bits: a second copy in float32 would be 8 MB."""

    def __init__(self, g, model):
        self.g = g
        self.whole = g.weight(model.table().T, "token.weight")
        self.by_token = g.op("Transpose", "token.weight.int8", perm=[1, 0])

    def rows(self, ids):
        """Returns the embeddings [..., d] of ids."""
        g = self.g
        whole = g.op("Cast", g.op("Gather", self.by_token, ids, axis=0), to=TensorProto.FLOAT)
        return g.op("Mul", whole, g.op("Unsqueeze", g.op("Gather", "token.weight.scale", ids, axis=0), g.const([-1])))

    def logits(self, source):
        """Returns source [K, d] times the table, [K, V]."""
        return self.g.op("MatMul", source, self.whole)


def before(g, table, earlier):
    """Returns the embedding of each token's predecessor [B, T, d], zero where there is none; earlier [B, n] ends in the tokens before."""
    t = g.size("input_ids", 1)
    one = g.const([1])
    start = g.op("Neg", g.op("Add", t, one))
    ids = g.op("Slice", g.op("Concat", earlier, "input_ids", axis=1), start, g.const([-1]), one)
    there = g.op("Cast", g.op("GreaterOrEqual", ids, g.const(0)), to=TensorProto.FLOAT)
    x = table.rows(g.op("Max", ids, g.const(0)))
    return g.op("Mul", x, g.op("Unsqueeze", there, g.const([-1])))


def hidden_states(g, model, table, past):
    """Adds everything up to the final norm; returns the name of h [B, T, d]. past is None for a graph without."""
    config = model.config
    row = g.op("Slice", g.op("Shape", "input_ids"), g.const([0]), g.const([1]))
    none = g.op("Expand", g.const([[-1]]), g.op("Concat", row, g.const([1]), axis=0))
    earlier = none if past is None else g.op("Concat", none, "past_ids", axis=1)
    x = g.op("Add", table.rows("input_ids"), g.op("Mul", before(g, table, earlier), g.plain(model.smear, "smear")))
    x = g.op("Mul", x, g.const(math.sqrt(config.width), np.float32))
    cos, sin = rope(g, config)
    if past is None:
        line = g.op("Unsqueeze", g.iota(g.size("input_ids", 1)), g.const([0]))
        positions, mask = g.op("Expand", line, g.op("Shape", "input_ids")), ""
    else:
        positions, mask = "position_ids", g.op("Cast", "attention_mask", to=TensorProto.INT32)
    for n, layer in enumerate(model.layers):
        at = f"layers.{n}."
        y = g.norm(x, layer.norm1, at + "norm1")
        q, k, v = (g.op("MatMul", y, g.weight(w.T, f"{at}qkv.weight.{part}"))
                   for part, w in enumerate(layer.qkv.weight.split(config.width)))
        q, k = (g.op("RotaryEmbedding", a, positions, cos, sin, domain=FUSED, num_heads=config.heads,
                     interleaved=0) for a in (q, k))
        y = attention(g, config, (q, k, v), (past, n, mask))
        x = g.op("Add", x, g.linear(y, layer.out, at + "out"))
        up = g.op("Relu", g.linear(g.norm(x, layer.norm2, at + "norm2"), layer.up, at + "up"))
        x = g.op("Add", x, g.linear(g.op("Mul", up, up), layer.down, at + "down"))
    return g.norm(x, model.norm, "norm")


def attention(g, config, qkv, context):
    """Adds causal attention over the past and this pass."""
    past, n, mask = context
    q, k, v = qkv
    qkv = q, k, g.op("Cast", g.op("Cast", v, to=TensorProto.FLOAT16), to=TensorProto.FLOAT)
    how = {"domain": FUSED, "num_heads": config.heads, "unidirectional": 1}
    if past is None:
        return g.op("MultiHeadAttention", *qkv, **how)
    shape = config.heads, config.width // config.heads
    key, value = f"{n}.key", f"{n}.value"
    earlier = past.read(key, *shape, TensorProto.FLOAT), past.read(value, *shape, TensorProto.FLOAT16)
    y, *whole = g.op("MultiHeadAttention", *qkv, "", mask, "", earlier[0], g.op("Cast", earlier[1], to=TensorProto.FLOAT),
                     outputs=3, **how)
    own_key, own_value = (g.op("Slice", part, past.length, g.const([2**31]), g.const([2])) for part in whole)
    past.leave(key, own_key, *shape, TensorProto.FLOAT)
    past.leave(value, g.op("Cast", own_value, to=TensorProto.FLOAT16), *shape, TensorProto.FLOAT16)
    return y


def pointer_weights(g, model, states, places, shown):
    """Adds the pointer heads; returns weights [K, pointers, P+T] at places (int64 [K, 2]).

    states are the hidden states of the last N tokens, which places count
    from, and of all P+T. shown [B, P+T] is 0 where a token is none, or None.
    """
    p, w = model.config.pointers, model.config.pointer_width
    last, whole = states
    heads = g.const([0, 0, p, w])
    q = g.op("Transpose", g.op("Reshape", g.linear(last, model.point_q, "point_q"), heads), perm=[0, 2, 1, 3])
    k = g.op("Transpose", g.op("Reshape", g.linear(whole, model.point_k, "point_k"), heads), perm=[0, 2, 3, 1])
    scaled = g.op("Mul", q, g.const(1 / math.sqrt(w), np.float32))
    scores = g.op("Transpose", g.op("MatMul", scaled, k), perm=[0, 2, 1, 3])
    scores = g.op("GatherND", scores, places)
    length = g.size(whole, 1)
    columns = g.op("Unsqueeze", g.iota(length), g.const([0]))
    own = g.op("Slice", places, g.const([1]), g.const([2]), g.const([1]))
    own = g.op("Add", own, g.op("Sub", length, g.size(last, 1)))
    hidden = g.op("Greater", columns, own)
    if shown is not None:
        hidden = g.op("Or", hidden, g.op("GatherND", g.op("Equal", shown, g.const(0)), rows_of(g, places)))
    hidden = g.op("Unsqueeze", hidden, g.const([1]))
    return g.op("Softmax", g.op("Where", hidden, g.const(-1e30, np.float32), scores), axis=-1)


def rows_of(g, places):
    return g.op("Slice", places, g.const([0]), g.const([1]), g.const([1]))


def nll_head(g, model, h, table, past):
    """Adds the loss of each wanted target; returns the name of nll [K]. targets are of the last N tokens, N up to P+T."""
    whole = past.hidden(h)
    last = g.op("Slice", whole, g.op("Neg", g.size("targets", 1)), g.const([2**31]), g.const([1]))
    wanted = g.op("GreaterOrEqual", "targets", g.const(0))
    places = g.op("Transpose", g.op("NonZero", wanted), perm=[1, 0])
    target = g.op("GatherND", "targets", places)
    source = g.op("GatherND", last, places)
    classes = g.op("Cast", g.const(model.classes.numpy(), np.int16), to=TensorProto.INT64)
    seen = g.op("Max", g.op("Concat", "past_ids", "input_ids", axis=1), g.const(0))
    context = g.op("GatherND", g.op("Gather", classes, seen, axis=0), rows_of(g, places))
    own = g.op("Unsqueeze", g.op("Gather", classes, target, axis=0), g.const([1]))
    same = g.op("Unsqueeze", g.op("Equal", context, own), g.const([1]))
    weights = pointer_weights(g, model, (last, whole), places, "attention_mask")
    mass = g.op("ReduceSum", g.op("Where", same, weights, g.const(0, np.float32)), g.const([2]), keepdims=0)

    logits = table.logits(source)
    members = g.op("Gather", g.const(model.members.numpy(), np.int16), target, axis=0)
    members = g.op("Cast", members, to=TensorProto.INT64)
    absent = g.op("Less", members, g.const(0))
    members = g.op("Max", members, g.const(0))
    in_class = g.op("Where", absent, g.const(-1e30, np.float32), g.op("GatherElements", logits, members, axis=1))
    in_class = g.op("ReduceLogSumExp", in_class, axes=[1], keepdims=0)
    one = g.op("Unsqueeze", target, g.const([1]))
    log_p = g.op("Squeeze", g.op("GatherElements", g.op("LogSoftmax", logits, axis=1), one, axis=1), g.const([1]))
    word = g.op("Squeeze", g.op("GatherElements", logits, one, axis=1), g.const([1]))
    spelling = g.op("Sub", word, in_class)
    return mixture(g, model, source, (log_p, spelling, mass))


def whole_lanes(g, kind, x):
    """Applies Exp or Log to x [K, 1], each value repeated to fill the processor's lanes.

    What is left over after the last full register is computed by other code,
    and its last bit depends on how many values there are.
    """
    return g.op("Slice", g.op(kind, g.op("Expand", x, g.const([1, 16]))), g.const([0]), g.const([1]), g.const([1]))


def mixture(g, model, source, parts):
    """Adds -log((gate_0 p(class) + sum_h gate_h mass_h) p(w | class)) of parts log p(w), log p(w | class), mass."""
    log_p, spelling, mass = parts
    gates = g.op("Softmax", g.linear(source, model.gate, "gate"), axis=-1)
    first = g.op("Slice", gates, g.const([0]), g.const([1]), g.const([1]))
    rest = g.op("Slice", gates, g.const([1]), g.const([1 + model.config.pointers]), g.const([1]))
    pointed = g.op("ReduceSum", g.op("Mul", rest, mass), g.const([1]), keepdims=1)
    log_p, spelling = (g.op("Unsqueeze", part, g.const([1])) for part in (log_p, spelling))
    by_class = g.op("Mul", first, whole_lanes(g, "Exp", g.op("Sub", log_p, spelling)))
    total = g.op("Max", g.op("Add", by_class, pointed), g.const(1e-30, np.float32))
    loss = g.op("Neg", g.op("Add", whole_lanes(g, "Log", total), spelling))
    return g.op("Squeeze", loss, g.const([1]))


def logits_head(g, model, h, table):
    """Adds the log-probability of every token at every position; returns the name of logits [B, T, V].

    Wide and slow; it exists to check the nll graph and for tools that want a
    whole distribution.
    """
    vocab, pointers = model.config.vocab, model.config.pointers
    count = int(model.classes.max()) + 1
    everywhere = g.op("GreaterOrEqual", "input_ids", g.const(0))
    places = g.op("Transpose", g.op("NonZero", everywhere), perm=[1, 0])
    source = g.op("GatherND", h, places)
    log_p = g.op("LogSoftmax", table.logits(source), axis=1)
    k = g.size(source, 0)
    zeros = g.op("ConstantOfShape", g.op("Concat", k, g.const([count]), axis=0),
                 value=helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0]))
    classes = g.op("Cast", g.const(model.classes.numpy(), np.int16), to=TensorProto.INT64)
    rows = g.op("Expand", g.op("Unsqueeze", classes, g.const([0])), g.op("Concat", k, g.const([vocab]), axis=0))
    by_class = g.op("ScatterElements", zeros, rows, g.op("Exp", log_p), axis=1, reduction="add")
    context = g.op("GatherND", g.op("Gather", classes, "input_ids", axis=0),
                   g.op("Slice", places, g.const([0]), g.const([1]), g.const([1])))
    gates = g.op("Softmax", g.linear(source, model.gate, "gate"), axis=-1)
    rest = g.op("Slice", gates, g.const([1]), g.const([1 + pointers]), g.const([1]))
    votes = g.op("Mul", pointer_weights(g, model, (h, h), places, None), g.op("Unsqueeze", rest, g.const([2])))
    votes = g.op("ReduceSum", votes, g.const([1]), keepdims=0)
    first = g.op("Slice", gates, g.const([0]), g.const([1]), g.const([1]))
    mixed = g.op("ScatterElements", g.op("Mul", first, by_class), context, votes, axis=1, reduction="add")
    spelling = g.op("Sub", log_p, g.op("Log", g.op("Gather", by_class, classes, axis=1)))
    flat = g.op("Add", g.op("Log", g.op("Gather", mixed, classes, axis=1)), spelling)
    shape = g.op("Concat", g.op("Shape", "input_ids"), g.const([vocab]), axis=0)
    return g.op("Reshape", flat, shape)


def build(model, contract):
    """Returns the ONNX model for contract 'nll' or 'logits'."""
    g = Graph()
    table = Table(g, model)
    past = Past(g, model.config.width) if contract == "nll" else None
    h = hidden_states(g, model, table, past)
    shapes = {"input_ids": ["batch", "time"]}
    if contract == "nll":
        result, shape = nll_head(g, model, h, table, past), ["wanted"]
        shapes |= {"attention_mask": ["batch", "past_and_time"], "position_ids": ["batch", "time"],
                   "targets": ["batch", "last"], "past_ids": ["batch", "past"]}
    else:
        result, shape = logits_head(g, model, h, table), ["batch", "time", model.config.vocab]
        shapes |= {"attention_mask": ["batch", "time"]}
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, dims) for name, dims in shapes.items()]
    outputs = [helper.make_tensor_value_info(contract, TensorProto.FLOAT, shape)]
    if past is not None:
        inputs, outputs = inputs + past.inputs, outputs + past.outputs
    g.nodes.append(helper.make_node("Identity", [result], [contract]))
    graph = helper.make_graph(g.nodes, "pith-code-lm", inputs, outputs, g.weights)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(FUSED, 1)]
    made = helper.make_model(graph, opset_imports=opsets, producer_name="pith training.export")
    made.ir_version = 8
    return made
