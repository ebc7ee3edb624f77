package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pith/cmd/pith/cli"
	"pith/explain"
)

func explainCommand() *cobra.Command {
	flags := compressFlags{format: formatExplain}
	var id, server string
	cmd := &cobra.Command{
		Use:   "explain [-q QUERY] [--budget N | --rate R] PATH... | --id ID",
		Short: "Show what of files would stay for a question, and why",
		Long: `Show what of files would stay for a question, and why: a table of their functions with rank,
parts of the score, tokens and decision.

With --id it shows a request that a running Pith has kept (dashboard.keep), by the id in its
X-Pith-Request-Id header. The key that the request came with, where it had one, is taken from
PITH_KEY.`,
		Example: `  pith explain -q "How are idle connections closed?" --rate 0.2 server.go
  PITH_KEY=$OPENAI_API_KEY pith explain --id 4bf92f3577b34da6a3ce929d0e0e4736`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if id == "" {
				return flags.run(cmd, args)
			}
			if len(args) > 0 {
				return cli.Usagef("--id and files exclude each other")
			}
			return explainRequest(cmd.Context(), cmd.OutOrStdout(), server, id)
		},
	}
	f := cmd.Flags()
	flags.addTo(f)
	f.StringVar(&id, "id", "", "a request that a running Pith has kept")
	f.StringVar(&server, "server", "http://127.0.0.1:8484", "that Pith's address")
	return cmd
}

// explainRequest shows a request that a server has kept.
func explainRequest(ctx context.Context, out io.Writer, server, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	at := strings.TrimSuffix(server, "/") + "/pith/v1/explain/" + url.PathEscape(id)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return cli.Usagef("--server %s: want a URL such as http://127.0.0.1:8484", server)
	}
	if key := os.Getenv("PITH_KEY"); key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no Pith answers at %s (--server says where it is): %w", server, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		var refused struct{ Error struct{ Message string } }
		_ = json.NewDecoder(io.LimitReader(res.Body, 1<<16)).Decode(&refused) // then the status speaks alone
		return fmt.Errorf("%s: %s", res.Status, refused.Error.Message)
	}
	var a explain.Account
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		return fmt.Errorf("read the answer of %s: %w", server, err)
	}
	return writeAccount(out, a)
}

// writeAccount writes a request and a table for each of its blocks.
func writeAccount(w io.Writer, a explain.Account) error {
	reason := ""
	if a.Reason != "" {
		reason = ", " + a.Reason
	}
	fmt.Fprintf(w, "request %s at %s: %s%s; %d -> %d tokens\n",
		a.ID, a.Time.Format(time.RFC3339), a.Decision, reason, a.OriginalTokens, a.CompressedTokens)
	for _, b := range a.Blocks {
		reason := ""
		if b.Reason != "" {
			reason = " (" + b.Reason + ")"
		}
		fmt.Fprintf(
			w,
			"\n%s: %s%s; %d -> %d tokens for %q\n",
			b.Path,
			b.Outcome,
			reason,
			b.OriginalTokens,
			b.CompressedTokens,
			b.Question,
		)
		for _, note := range b.Notes {
			fmt.Fprintln(w, note)
		}
		if err := explain.WriteTable(w, b.Chunks); err != nil {
			return err
		}
	}
	return nil
}
