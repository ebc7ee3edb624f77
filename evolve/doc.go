// Package evolve prunes few-shot prompts: tasks and their data, runs that survive a kill, honest
// reports, and artefacts that carry a result into production.
//
// The search itself is package search, asking models is package llm, and sharing the work with
// other machines is package workers. None of them knows of ONNX, of HTTP servers and of the proxy:
// a local model arrives as an llm.LM.
//
// A run is a function of its options and of the model's answers. Each answer is written to a log
// before it is used, with what it cost, so a run that is killed and resumed ends as if nothing had
// happened.
package evolve
