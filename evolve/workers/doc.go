// Package workers shares the evaluations of a run with other machines: a [Queue] in Redis stands in
// for the model, and [Serve] takes from it what the run asks.
package workers
