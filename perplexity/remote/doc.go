// Package remote has texts scored by an inference server that a team runs anyway.
//
// Two protocols are spoken. KServe's version 2 (Triton, KServe, MLServer): one request for each
// text, with the graph that `pith model export-triton` writes, in binary tensors where the server
// takes them. And OpenAI's /v1/completions with the log-probabilities of the prompt (vLLM,
// llama.cpp's Python server), where tokens and their places are the server's own.
//
// A scorer is trusted only after it was probed: losses have to be there, to repeat, to depend on
// nothing that comes later, and to be the golden ones where those are known. What fails afterwards
// costs one deadline at most. Then nothing is asked until a probe beside the requests has passed
// again.
package remote
