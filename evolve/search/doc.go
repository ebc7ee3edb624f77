// Package search finds shorter prompts by pruning (PromptQuine, arXiv 2506.17930).
//
// A [Template] is a prompt cut into units; a [Mask] says which are kept; a search looks for the
// mask whose text an [Evaluator] rewards best. Four searches follow the paper and its reference
// code (TAPruning, SAHC, GGA, SSGA), one is ours (guided).
//
// All random choices are drawn before the evaluations that follow from them are handed out, and
// results are folded in the order in which they were asked for, never in the order in which they
// arrive. So the same seed gives the same run on any number of workers.
package search
