package costs

// A Workload describes a context by counts, for predicting what each schedule runs.
type Workload struct {
	// Chunks functions of ChunkTokens tokens together are ranked for a query of QueryTokens.
	Chunks, ChunkTokens, QueryTokens int
	// Selected of them go to the fine stage; each has Lines lines, Tokens tokens and Blocks blocks
	// that are not blank.
	Selected, Lines, Tokens, Blocks int
}

// separator is the tokens between a chunk and the query.
const separator = 1

// Published is the cost of the published schedule: N chunk passes, one pass for each line over the
// lines before it (half the chunk on average), one for each block.
func (w Workload) Published() Cost {
	lines := w.Selected * w.Tokens * (w.Lines + 1) / 2
	passes := 1 + w.Chunks + w.Selected*w.Lines + w.Selected*w.Blocks
	return Cost{Passes: passes, Calls: passes, Tokens: w.SinglePass(1).Tokens + lines}
}

// SinglePass is the cost where the pass that scores the query after a chunk also gives the losses
// of the chunk's lines, and passes are packed into batches of at most batch tokens.
func (w Workload) SinglePass(batch int) Cost {
	coarse := w.ChunkTokens + w.Chunks*(w.QueryTokens+separator)
	fine := w.Selected*w.Tokens + (w.QueryTokens+separator)*w.Selected*w.Blocks
	return Cost{
		Passes: 1 + w.Chunks + w.Selected*w.Blocks,
		Calls:  (coarse+batch-1)/batch + (fine+batch-1)/batch,
		Tokens: w.QueryTokens + coarse + fine,
	}
}
