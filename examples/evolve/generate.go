//go:build ignore

// Command generate writes the data of the two examples. Everything comes from the lists below,
// which were written for this project; the rows are drawn with a fixed seed, no row appears twice,
// and so no row of one split appears in another.
//
//	go run generate.go
package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"strings"
)

// Rows of each split. The held-out splits are large, as a difference of five points between two
// prompts is no more than luck on a hundred rows.
var (
	bracketRows  = splits{search: 96, validation: 192, test: 480}
	onelinerRows = splits{search: 32, validation: 120, test: 120}
)

type splits struct{ search, validation, test int }

var (
	nouns = []string{
		"order",
		"user",
		"file",
		"price",
		"token",
		"message",
		"node",
		"score",
		"path",
		"record",
		"invoice",
		"sensor",
		"ticket",
		"route",
		"seed",
		"frame",
	}
	verbs = []string{
		"load",
		"parse",
		"send",
		"check",
		"count",
		"merge",
		"store",
		"close",
		"render",
		"update",
		"filter",
		"sort",
	}
)

// The lines of the bracket example, by the bracket that is still open at their end: {a}, {b} and
// {c} are nouns, {v} a verb, {n} a small number.
var openLines = map[string][]string{
	")": {"{a} = {v}({c}", "{a} = {v}({n}", "{a} = {v}({b}, {c}", "{a} = {v}({b}, {n}", "{a} = {v}({b}, {c}.{b}"},
	"]": {"{a} = {b}s[{n}", "{a} = {b}s[{c}", "{a} = [{b}, {c}", "{a} = [{b}, {n}", "{a} = [{b}, {c}.{b}"},
	"}": {"{a} = {{b}: {c}", "{a} = {{b}: {n}", "{a} = {{b}: {c}.{b}", "{a} = {{b}: {n}, {c}: {n}"},
}

// The pairs of the one-liner example: what a line should do, and the line.
var tasks = [][2]string{
	{"count the {a}s", "len({a}s)"},
	{"sort the {a}s", "sorted({a}s)"},
	{"the last {a}", "{a}s[-1]"},
	{"the first {n} {a}s", "{a}s[:{n}]"},
	{"the sum of the {a}s", "sum({a}s)"},
	{"the largest {a}", "max({a}s)"},
	{"reverse the {a}s", "{a}s[::-1]"},
	{"{a}s above {n}", "[x for x in {a}s if x > {n}]"},
	{"the {a} in upper case", "{a}.upper()"},
	{"split the {a} at commas", "{a}.split(\",\")"},
	{"join the {a}s with spaces", "\" \".join({a}s)"},
	{"whether any {a} equals {n}", "any(x == {n} for x in {a}s)"},
	{"distinct {a}s", "set({a}s)"},
	{"the {a} times {n}", "{a} * {n}"},
	{"pairs of {a} and {b}", "list(zip({a}s, {b}s))"},
	{"the {a} without spaces around it", "{a}.strip()"},
}

func main() {
	// Each example has random numbers of its own: changing one leaves the other as it is.
	rng := rand.New(rand.NewPCG(2506, 17930))
	brackets := func(i int) [2]string {
		open := []string{")", "]", "}"}[i%3]
		return [2]string{fill(rng, openLines[open][rng.IntN(len(openLines[open]))]), open}
	}
	again := rand.New(rand.NewPCG(2506, 17931))
	oneliner := func(int) [2]string {
		t := tasks[again.IntN(len(tasks))]
		parts := strings.SplitN(fill(again, t[0]+"\x00"+t[1]), "\x00", 2)
		return [2]string{parts[0], " " + parts[1]} // the space belongs to the answer, as models tokenise it
	}
	if err := write("brackets", bracketRows, writeTSV, brackets); err != nil {
		log.Fatal(err)
	}
	if err := write("oneliner", onelinerRows, writeJSONL, oneliner); err != nil {
		log.Fatal(err)
	}
}

func fill(rng *rand.Rand, s string) string {
	n := rng.Perm(len(nouns))
	return strings.NewReplacer("{a}", nouns[n[0]], "{b}", nouns[n[1]], "{c}", nouns[n[2]], "{v}",
		verbs[rng.IntN(len(verbs))],
		"{n}", fmt.Sprint(2+rng.IntN(30))).
		Replace(s)
}

// write draws distinct rows and deals them out to the splits.
func write(dir string, n splits, to func(path string, rows [][2]string) error, draw func(i int) [2]string) error {
	seen := map[string]bool{}
	for _, split := range []struct {
		name string
		rows int
	}{{"search", n.search}, {"validation", n.validation}, {"test", n.test}} {
		var rows [][2]string
		for len(rows) < split.rows {
			row := draw(len(rows))
			if !seen[row[0]] {
				seen[row[0]] = true
				rows = append(rows, row)
			}
		}
		if err := to(dir+"/"+split.name, rows); err != nil {
			return err
		}
	}
	return nil
}

func writeTSV(path string, rows [][2]string) error {
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Comma = '\t'
	if err := w.Write([]string{"code", "label"}); err != nil {
		return err
	}
	for _, r := range rows {
		if err := w.Write(r[:]); err != nil {
			return err
		}
	}
	w.Flush()
	return os.WriteFile(path+".tsv", []byte(b.String()), 0o644)
}

func writeJSONL(path string, rows [][2]string) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, r := range rows {
		if err := enc.Encode(map[string]string{"task": r[0], "answer": r[1]}); err != nil {
			return err
		}
	}
	return os.WriteFile(path+".jsonl", []byte(b.String()), 0o644)
}
