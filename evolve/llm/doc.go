// Package llm asks language models: what may be asked, an endpoint that answers, and what answers
// cost. It knows nothing of prompts that are pruned, of tasks and of files.
package llm
