"""Writes tiny.gguf, a llama of two layers with random weights and a BPE vocabulary, and exact.json: the losses of some texts, computed
here in double precision from the same weights.

Usage: tinyllama.py DIR BOS TEXTS, where BOS is 1 for a vocabulary whose texts begin with a mark and 0 for one without, and TEXTS a JSON
list of texts."""
import json
import sys

import gguf
import llama_cpp
import numpy

LAYERS, WIDTH, HEADS, INNER, CONTEXT = 2, 64, 2, 128, 2048
WORDS = ["func", "return", "int", "area", "where", "large", "Ġthe", "Ġof", "Ġis", "Ġw", "Ġh", "ĠÃ", "ä¸", "ing", "ion", "ed", "er", "Ġ*"]

folder, bos, texts = sys.argv[1], sys.argv[2] == "1", json.loads(sys.argv[3])

# A byte is spelled as itself where it prints, and as a character past 255 otherwise.
prints = [*range(33, 127), *range(161, 173), *range(174, 256)]
hidden = [b for b in range(256) if b not in prints]
letters = [chr(b) for b in prints] + [chr(256 + i) for i in range(len(hidden))]
vocabulary, merges = ["<s>", "</s>"] + letters, []
for word in WORDS:
    for end in range(2, len(word) + 1):
        if word[:end] not in vocabulary:
            vocabulary.append(word[:end])
            merges.append(word[: end - 1] + " " + word[end - 1])

random = numpy.random.default_rng(7)
shapes = {"token_embd": (len(vocabulary), WIDTH), "output": (len(vocabulary), WIDTH), "output_norm": (WIDTH,)}
for i in range(LAYERS):
    for name in "attn_q", "attn_k", "attn_v", "attn_output":
        shapes[f"blk.{i}.{name}"] = (WIDTH, WIDTH)
    shapes |= {f"blk.{i}.ffn_gate": (INNER, WIDTH), f"blk.{i}.ffn_up": (INNER, WIDTH), f"blk.{i}.ffn_down": (WIDTH, INNER)}
    shapes |= {f"blk.{i}.attn_norm": (WIDTH,), f"blk.{i}.ffn_norm": (WIDTH,)}
weights = {}
for name, shape in shapes.items():
    noise = random.standard_normal(shape).astype(numpy.float32)
    weights[name] = 1 + 0.1 * noise if len(shape) == 1 else 0.25 * noise

path = f"{folder}/tiny.gguf"
out = gguf.GGUFWriter(path, "llama")
out.add_context_length(CONTEXT)
out.add_embedding_length(WIDTH)
out.add_block_count(LAYERS)
out.add_feed_forward_length(INNER)
out.add_head_count(HEADS)
out.add_head_count_kv(HEADS)
out.add_rope_dimension_count(WIDTH // HEADS)
out.add_layer_norm_rms_eps(1e-5)
out.add_tokenizer_model("gpt2")
out.add_tokenizer_pre("gpt-2")
out.add_token_list(vocabulary)
out.add_token_types([gguf.TokenType.CONTROL] * 2 + [gguf.TokenType.NORMAL] * (len(vocabulary) - 2))
out.add_token_merges(merges)
out.add_bos_token_id(0)
out.add_eos_token_id(1)
out.add_add_bos_token(bos)
for name, w in weights.items():
    out.add_tensor(name + ".weight", w)
out.write_header_to_file()
out.write_kv_data_to_file()
out.write_tensors_to_file()
out.close()

weights = {name: w.astype(numpy.float64) for name, w in weights.items()}


def normal(x, name):
    return x / numpy.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * weights[name]


def rotate(x):
    """Turns pairs of neighbours by angles that grow with the place: x is head, place, width."""
    half = x.shape[-1] // 2
    angle = numpy.arange(x.shape[1])[:, None] * 10000.0 ** (-numpy.arange(half) / half)
    even, odd = x[..., ::2], x[..., 1::2]
    turned = numpy.empty_like(x)
    turned[..., ::2] = even * numpy.cos(angle) - odd * numpy.sin(angle)
    turned[..., 1::2] = even * numpy.sin(angle) + odd * numpy.cos(angle)
    return turned


def logprobs(tokens):
    x = weights["token_embd"][tokens]
    n = len(tokens)
    for i in range(LAYERS):
        layer = f"blk.{i}."
        h = normal(x, layer + "attn_norm")
        q, k, v = ((h @ weights[layer + f"attn_{c}"].T).reshape(n, HEADS, -1).transpose(1, 0, 2) for c in "qkv")
        scores = rotate(q) @ rotate(k).transpose(0, 2, 1) / numpy.sqrt(WIDTH / HEADS)
        scores = numpy.where(numpy.tri(n, dtype=bool), scores, -numpy.inf)
        scores = numpy.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ v
        x = x + mixed.transpose(1, 0, 2).reshape(n, -1) @ weights[layer + "attn_output"].T
        h = normal(x, layer + "ffn_norm")
        gate = h @ weights[layer + "ffn_gate"].T
        x = x + (gate / (1 + numpy.exp(-gate)) * (h @ weights[layer + "ffn_up"].T)) @ weights[layer + "ffn_down"].T
    logits = normal(x, "output_norm") @ weights["output"].T
    logits -= logits.max(-1, keepdims=True)
    return logits - numpy.log(numpy.exp(logits).sum(-1, keepdims=True))


model = llama_cpp.Llama(path, vocab_only=True, verbose=False)
exact = []
for text in texts:
    tokens = model.tokenize(text.encode(), add_bos=bos, special=True)
    given, at, losses = logprobs(tokens), 0, []
    for i, token in enumerate(tokens):
        if token < 2:
            continue
        if at > 0:
            losses.append({"Offset": at, "NLL": -given[i - 1][token]})
        at += len(vocabulary[token])
    exact.append(losses)
json.dump(exact, open(f"{folder}/exact.json", "w"))
