// Package evolve prunes few-shot prompts by search (PromptQuine, arXiv 2506.17930).
//
// A prompt is cut into units (tokens, words or atomic slots); a [Mask] says which are kept; a search looks for the mask whose
// text does best on a handful of examples. Four searches follow the paper and its reference code (TAPruning, SAHC, GGA, SSGA),
// one is ours (guided). Around them stand tasks, backends that ask a model, a memo, run directories that survive a kill, and
// artefacts that carry a result into production.
//
// The package knows nothing of ONNX, of HTTP servers and of the proxy: a local model arrives as an [LM]. Models on other
// machines stand behind a [Queue] in Redis, from which [Work] takes what the run asks.
//
// Two rules make a run repeatable. All random choices are drawn before the evaluations that follow from them are handed out,
// and results are folded in the order in which they were asked for, never in the order in which they arrive. So the same seed
// gives the same run on any number of workers.
package evolve
