"""The embedded code LM: a small decoder with a pointer mixture over word classes.

A query is likely after a chunk of code mostly because it repeats and varies the
chunk's words. Three choices serve that:

* the embedding of a token is the sum of its own row and its word class's row, so
  ' server' and 'Server' start out alike (tokenizer.word_classes);
* each position also sees the embedding of the token before it, which makes
  "what followed this word earlier" a single attention step;
* besides the vocabulary softmax, POINTERS attention heads point at earlier
  tokens and vote for their word class (pointer mixture: Merity et al. 2016). The
  spelling inside the class is left to the vocabulary softmax, so the result is
  a proper distribution over tokens:
  p(w) = (gate_0 p_vocab(class of w) + sum_h gate_h mass_h(class of w)) * p_vocab(w | class of w).
"""

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

MAX_MEMBERS = 24


@dataclass(frozen=True)
class Config:
    """Shape of the model; width must be divisible by heads."""

    vocab: int = 8192
    width: int = 256
    layers: int = 3
    heads: int = 4
    hidden: int = 768
    pointers: int = 3
    pointer_width: int = 48
    max_tokens: int = 2048
    rope_base: float = 10000.0

    def to_dict(self):
        return asdict(self)


def rope_tables(config):
    """Returns cos and sin tables of shape [max_tokens, head width / 2]."""
    half = config.width // config.heads // 2
    freq = config.rope_base ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.arange(config.max_tokens, dtype=torch.float64)[:, None] * freq
    return angle.cos().float(), angle.sin().float()


def rotate(x, cos, sin):
    """Rotates x [B, heads, T, head width] by tables [B, 1, T, half], halves not interleaved."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


def members_of(classes):
    """Returns [V, MAX_MEMBERS] ids of the tokens in each token's class, padded with -1."""
    groups = {}
    for token, cls in enumerate(classes):
        groups.setdefault(cls, []).append(token)
    table = torch.full((len(classes), MAX_MEMBERS), -1, dtype=torch.long)
    for group in groups.values():
        if len(group) > MAX_MEMBERS:
            raise ValueError(f"class with {len(group)} members")
        table[group, : len(group)] = torch.tensor(group)
    return table


def attend(q, k, v, mask):
    """Attention over what mask, 0 or minus infinity, lets through; without mask, causal.

    Written out because two bfloat16 products and a softmax take half the time
    of the fused operator on a CPU at these lengths.
    """
    if mask is None or q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
    return ((q / math.sqrt(q.shape[-1])) @ k.transpose(-1, -2) + mask).softmax(-1, dtype=q.dtype) @ v


class Vocabulary(torch.autograd.Function):
    """Reduces logits [K, V] to log-sums over all tokens and over the target's class, and the target's own logit.

    One function, because its backward makes one pass over [K, V] where the
    separate operators make seven; that is a fifth of the training time.
    """

    @staticmethod
    def forward(ctx, logits, targets, members):
        dtype, logits = logits.dtype, logits.float()
        all_words = logits.logsumexp(-1)
        absent = members < 0
        members = members.clamp(min=0)
        inside = logits.gather(1, members).masked_fill(absent, float("-inf"))
        in_class = inside.logsumexp(-1)
        ctx.save_for_backward(logits, all_words, targets, members, (inside - in_class[:, None]).exp())
        ctx.dtype = dtype
        return all_words, in_class, logits.gather(1, targets[:, None])[:, 0]

    @staticmethod
    def backward(ctx, of_all, of_class, of_word):
        logits, all_words, targets, members, share = ctx.saved_tensors
        grad = (logits - all_words[:, None]).exp_().mul_(of_all[:, None])
        grad.scatter_add_(1, members, share * of_class[:, None])
        grad.scatter_add_(1, targets[:, None], of_word[:, None])
        return grad.to(ctx.dtype), None, None


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        d, self.heads = config.width, config.heads
        self.norm1, self.norm2 = nn.RMSNorm(d, eps=1e-6), nn.RMSNorm(d, eps=1e-6)
        self.qkv = nn.Linear(d, 3 * d, bias=False)
        self.out = nn.Linear(d, d, bias=False)
        self.up = nn.Linear(d, config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, d, bias=False)
        self.half_values = False
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(self, x, cos, sin, mask):
        b, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype)
        if self.half_values:
            v = v.half().to(v.dtype)
        y = attend(q, k, v, mask)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, d))
        return x + self.down(F.relu(self.up(self.norm2(x))).square())


class Model(nn.Module):
    """Maps tokens to hidden states; nll and log_probs turn those into losses."""

    def __init__(self, config, classes):
        super().__init__()
        self.config = config
        d = config.width
        self.token = nn.Embedding(config.vocab, d)
        self.word = nn.Embedding(max(classes) + 1, d)
        self.smear = nn.Parameter(torch.full((d,), 0.3))
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = nn.RMSNorm(d, eps=1e-6)
        self.point_q = nn.Linear(d, config.pointers * config.pointer_width, bias=False)
        self.point_k = nn.Linear(d, config.pointers * config.pointer_width, bias=False)
        self.gate = nn.Linear(d, 1 + config.pointers)
        nn.init.normal_(self.token.weight, std=0.02)
        nn.init.normal_(self.word.weight, std=0.02)
        nn.init.zeros_(self.gate.weight)
        cos, sin = rope_tables(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.register_buffer("classes", torch.tensor(classes), persistent=False)
        self.register_buffer("members", members_of(classes), persistent=False)

    def table(self):
        """Returns the embedding of every token, [V, d]: own row plus class row."""
        return self.token.weight + self.word(self.classes)

    def hidden(self, ids, table, layout=None):
        """Returns normed hidden states [B, T, d].

        layout is None for a plain causal sequence, else (positions, previous, mask):
        positions [B, T], the index of each token's predecessor [B, T], and what
        each token may attend to, bool [B, T, T].
        """
        b, t = ids.shape
        x = F.embedding(ids, table)
        if layout is None:
            before = F.pad(x[:, :-1], (0, 0, 1, 0))
            cos, sin, mask = self.cos[:t], self.sin[:t], None
        else:
            positions, previous, mask = layout
            before = x.gather(1, previous.clamp(min=0)[..., None].expand(-1, -1, x.shape[-1]))
            before = before * (previous >= 0)[..., None]
            cos, sin = self.cos[positions][:, None], self.sin[positions][:, None]
            dtype = torch.bfloat16 if torch.is_autocast_enabled(x.device.type) else x.dtype
            mask = torch.zeros(mask.shape, dtype=dtype, device=x.device).masked_fill(~mask, float("-inf"))[:, None]
        x = (x + self.smear * before) * math.sqrt(self.config.width)
        for layer in self.layers:
            x = layer(x, cos, sin, mask)
        return self.norm(x)

    def point(self, h, rows, cols, visible):
        """Returns pointer weights [K, pointers, T] of the positions (rows, cols) over what visible [K, T] allows."""
        b, t, _ = h.shape
        p, w = self.config.pointers, self.config.pointer_width
        q = self.point_q(h[rows, cols]).view(-1, p, w)
        k = self.point_k(h).view(b, t, p, w)
        out = []
        for row in range(b):
            picked = rows == row
            out.append(torch.einsum("kpw,tpw->kpt", q[picked], k[row]))
        scores = torch.cat(out).float() / math.sqrt(w)
        return scores.masked_fill(~visible[:, None], float("-inf")).softmax(-1)

    def nll(self, ids, h, table, wanted, layout=None):
        """Returns the loss in nats, float32 [K], of each wanted (row, source position, target id).

        wanted is three tensors [K], sorted by row; several targets may share a source.
        """
        rows, cols, targets = wanted
        t = ids.shape[1]
        if layout is None:
            visible = torch.arange(t, device=ids.device)[None] <= cols[:, None]
        else:
            visible = layout[2][rows, cols]
        same = self.classes[ids][rows] == self.classes[targets][:, None]
        source = h[rows, cols]
        mass = (self.point(h, rows, cols, visible) * same[:, None]).sum(-1)
        logits = source @ table.to(source.dtype).T
        all_words, in_class, word = Vocabulary.apply(logits, targets, self.members[targets])
        gates = self.gate(source).float().log_softmax(-1)
        pointed = (gates[:, 1:].exp() * mass).sum(-1).clamp(min=1e-30).log()
        return in_class - word - torch.logaddexp(gates[:, 0] + in_class - all_words, pointed)

    @torch.no_grad()
    def losses(self, ids):
        """Returns the loss of ids[1:] given what stands before each, float32 [T-1], for one plain sequence."""
        tokens = torch.tensor([ids])
        table = self.table()
        n = len(ids) - 1
        wanted = (torch.zeros(n, dtype=torch.long), torch.arange(n), tokens[0, 1:])
        return self.nll(tokens, self.hidden(tokens, table), table, wanted)


def parameters_of(model):
    """Returns the number of parameters that export: class rows are folded into token rows."""
    return sum(p.numel() for n, p in model.named_parameters() if not n.startswith("word."))
