//go:build ignore

// Command generate writes the data of the two examples. Everything comes from the lists below, which were written for this
// project; the rows are drawn with a fixed seed, no row appears twice, and so no row of one split appears in another.
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

// Rows of each split. The held-out splits are large, as a difference of five points between two prompts is no more than luck on
// a hundred rows.
var (
	languageRows = splits{search: 64, validation: 200, test: 400}
	onelinerRows = splits{search: 32, validation: 120, test: 120}
)

type splits struct{ search, validation, test int }

var languages = []string{"go", "python", "rust", "java"}

var (
	nouns = []string{"order", "user", "file", "price", "token", "message", "node", "score", "path", "record", "invoice", "sensor", "ticket", "route", "seed", "frame"}
	verbs = []string{"load", "parse", "send", "check", "count", "merge", "store", "close", "render", "update", "filter", "sort"}
)

// The statements of the language example: {a} and {b} are nouns, {v} a verb, {n} a small number.
var statements = map[string][]string{
	"go": {
		"func {v}({a} string) error {", "if err := {v}({a}); err != nil {", "{a}s := make([]{b}, 0, {n})", "for i, {a} := range {b}s {",
		"type {a} struct {", "defer {a}.Close()", "var {a} map[string]{b}", "return nil, fmt.Errorf(\"{v} {a}: %w\", err)",
		"{a}, ok := {b}s[key]", "go {v}({a}, {n})", "case {a} := <-{b}s:", "switch {a}.kind {", "{a} := &{b}{size: {n}}",
		"import \"strings\"", "func (s *{a}) {v}() int {", "{a} = append({a}, {b})",
	},
	"python": {
		"def {v}({a}, {b}=None):", "for {a} in {b}s:", "with open({a}) as f:", "if {a} is None and not {b}:", "class {a}(Base):",
		"return [{v}(x) for x in {a}s]", "raise ValueError(\"bad {a}\")", "except KeyError as e:", "self.{a} = {b} or {n}",
		"{a} = {b}s.get(\"{a}\", {n})", "from {a} import {v}", "elif len({a}s) > {n}:", "print(f\"{a}: {b}\")",
		"{a}s = {x: {n} for x in {b}s}", "assert {v}({a}) == {n}", "async def {v}(self, {a}):",
	},
	"rust": {
		"fn {v}({a}: &str) -> Result<(), Error> {", "let mut {a}s: Vec<{b}> = Vec::new();", "for {a} in {b}s.iter() {", "impl {b} for {a} {",
		"match {a} {", "pub struct {a} {", "let {a} = {b}.unwrap();", "Some({a}) => {v}({a}),", "println!(\"{}\", {a});",
		"if let Some({a}) = {b}s.get({n}) {", "use crate::{a}::{b};", "fn {v}(&self) -> usize {", "#[derive(Debug, Clone)] // {a}",
		"{a}s.push({b}.clone());", "let {a} = &mut {b}s[{n}];", "Err({a}) => return Err({a}.into()),",
	},
	"java": {
		"public void {v}(String {a}) throws IOException {", "private final List<String> {a}s = new ArrayList<>();", "for (String {a} : {b}s) {",
		"public class {a} extends {b} {", "System.out.println({a});", "throw new IllegalStateException(\"bad {a}\");", "import java.util.{a};",
		"@Override // {a}", "int {a} = {b}s.size() + {n};", "if ({a}.equals({b})) {", "return {a}s.stream().count();",
		"public static void {v}(String[] {a}s) {", "this.{a} = {b};", "catch ({a}Exception e) {", "Map<String, Integer> {a}s = new HashMap<>();",
		"super({a}, {n});",
	},
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
	rng := rand.New(rand.NewPCG(2506, 17930))
	language := func(i int) [2]string {
		label := languages[i%len(languages)]
		list := statements[label]
		return [2]string{fill(rng, list[rng.IntN(len(list))]), label}
	}
	oneliner := func(int) [2]string {
		t := tasks[rng.IntN(len(tasks))]
		parts := strings.SplitN(fill(rng, t[0]+"\x00"+t[1]), "\x00", 2)
		return [2]string{parts[0], " " + parts[1]} // the space belongs to the answer, as models tokenise it
	}
	if err := write("language", languageRows, writeTSV, language); err != nil {
		log.Fatal(err)
	}
	if err := write("oneliner", onelinerRows, writeJSONL, oneliner); err != nil {
		log.Fatal(err)
	}
}

func fill(rng *rand.Rand, s string) string {
	a, b := rng.IntN(len(nouns)), rng.IntN(len(nouns)-1)
	if b >= a {
		b++
	}
	return strings.NewReplacer("{a}", nouns[a], "{b}", nouns[b], "{v}", verbs[rng.IntN(len(verbs))],
		"{n}", fmt.Sprint(2+rng.IntN(30))).Replace(s)
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
