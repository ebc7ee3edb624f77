package wiring

import (
	"context"
	"fmt"
	"strings"

	"pith/compress"
)

// WarmUp sends a small text through all stages, so that the first requests do not pay for what
// starts when it is first needed: parse workers, the vocabulary of the token counter, the runtime's
// memory. Files are parsed at the same time, one in each worker.
func (e *Engine) WarmUp(ctx context.Context, workers int) error {
	req := compress.Request{Query: "Where is the total of an order computed?", Rate: 0.4, Tenant: "warm-up"}
	for i := range max(workers, 1) {
		var text strings.Builder
		fmt.Fprintf(&text, "package order%d\n", i)
		for n := range 20 {
			fmt.Fprintf(&text, "\nfunc total%d(prices []int) (sum int) {\n\tfor _, price := range prices {\n\t\tsum "+
				"+= price * %d\n\t}\n\tif sum < 0 {\n\t\treturn 0\n\t}\n\treturn sum\n}\n", n, n)
		}
		req.Files = append(req.Files, compress.File{Path: fmt.Sprintf("order%d.go", i), Content: text.String()})
	}
	_, err := Apart(e.Engine).Compress(ctx, req)
	return err
}

// Again compresses once more what a kept request holds, for the parts of its scores.
func (e *Engine) Again(ctx context.Context, req compress.Request) (compress.Result, error) {
	return Apart(e.Engine).Compress(ctx, req)
}
