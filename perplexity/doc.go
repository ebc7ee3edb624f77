// Package perplexity says how surprising text is to a small causal language model: text in, nats
// per token out.
//
// It runs ONNX graphs through ONNX Runtime, which lives only here, and turns text into tokens with
// the model's own byte-level BPE. It knows nothing of chunks, prompts or budgets, and nothing of
// the tokens that an upstream counts.
//
// A model is a folder with a graph (model.onnx), a tokenizer (tokenizer.json) and a side-car
// (pith.json) that gives checksums, licence and limits. A Hugging Face export without the side-car
// is accepted too. Two graph contracts are understood:
//
//   - nll: input_ids, attention_mask, targets (int64 [B,T]; -1 = not wanted) -> nll (float32,
//     one value per wanted target, row by row). The vocabulary projection is done only where a
//     loss is wanted. The embedded model exports this one. Optional: position_ids, past_ids, and
//     past_key_values.X with new.X, the state of the tokens before and of these.
//   - logits: input_ids, attention_mask, optional position_ids and past_key_values.* -> logits
//     [B,T,V], what causal language model exporters write. The losses are computed here.
//
// Prepare edits a graph of the second kind into one of the first. Weights are in the graph or, as
// those of large models must be, in files beside it, which the side-car's checksums cover.
package perplexity
