package evolve

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// A dataRow is one line of a data file, with where its values stand.
type dataRow struct {
	values map[string]string
	line   int
	column func(name string) int
}

func (t *Task) loadSplits(dir string) error {
	for _, s := range []struct {
		file string
		into *[]Example
	}{{t.Data.Search, &t.Search}, {t.Data.Validation, &t.Validation}, {t.Data.Test, &t.Test}} {
		examples, err := t.loadSplit(filepath.Join(dir, s.file))
		if err != nil {
			return err
		}
		*s.into = examples
	}
	return nil
}

func (t *Task) loadSplit(path string) ([]Example, error) {
	rows, err := readRows(path)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, &FileError{File: path, Msg: "no examples"}
	}
	out := make([]Example, len(rows))
	for i, r := range rows {
		if out[i], err = t.example(path, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// example checks one row against the template's slots and the labels.
func (t *Task) example(path string, r dataRow) (Example, error) {
	ex := Example{Fields: map[string]string{}}
	wrong := func(column int, format string, args ...any) (Example, error) {
		return Example{}, &FileError{File: path, Line: r.line, Column: column, Msg: fmt.Sprintf(format, args...)}
	}
	for _, s := range t.Slots {
		v, ok := r.values[s]
		if !ok {
			return wrong(1, "no column %q, which the template's slot {%s} needs", s, s)
		}
		ex.Fields[s] = v
	}
	if len(t.Labels) == 0 {
		answer, ok := r.values[t.Columns.Answer]
		if !ok && t.Scorer.needsAnswer() {
			return wrong(1, "no column %q, which the scorer %q needs", t.Columns.Answer, t.Scorer.Type)
		}
		ex.Answer = answer
		return ex, nil
	}
	name, ok := r.values[t.Columns.Label]
	if !ok {
		return wrong(1, "no column %q for the label", t.Columns.Label)
	}
	ex.Label = slices.IndexFunc(t.Labels, func(l Label) bool { return l.Name == name })
	if ex.Label < 0 {
		return wrong(r.column(t.Columns.Label), "label %q is not one of the task's labels", name)
	}
	return ex, nil
}

// readRows reads a file by its extension.
func readRows(path string) ([]dataRow, error) {
	src, err := readText(path, dataLimit)
	if err != nil {
		return nil, fmt.Errorf("read data: %w", err)
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv":
		return readTable(path, src, ',')
	case ".tsv":
		return readTable(path, src, '\t')
	case ".jsonl":
		return readLines(path, src)
	}
	return nil, &FileError{File: path, Msg: "unknown kind of data file: want .csv, .tsv or .jsonl"}
}

// readTable reads a table with a header line. Quotes in TSV are ordinary characters unless they
// open a field.
func readTable(path string, src []byte, comma rune) ([]dataRow, error) {
	r := csv.NewReader(bytes.NewReader(src))
	r.Comma, r.LazyQuotes = comma, comma == '\t'
	header, err := r.Read()
	if err == io.EOF {
		return nil, &FileError{File: path, Line: 1, Msg: "no header line"}
	}
	if err != nil {
		return nil, tableError(path, err)
	}
	if len(header) > columnLimit {
		return nil, &FileError{File: path, Line: 1, Msg: fmt.Sprintf("more than %d columns", columnLimit)}
	}
	if i := repeated(header); i >= 0 {
		line, column := r.FieldPos(i)
		return nil, &FileError{
			File: path, Line: line, Column: column,
			Msg: fmt.Sprintf("column %q appears twice", header[i]),
		}
	}
	var rows []dataRow
	for cells := 0; ; {
		fields, err := r.Read()
		if err == io.EOF {
			return rows, nil
		}
		if cells += 1 + len(fields); err == nil && cells > cellLimit {
			err = errCells
		}
		if err != nil {
			return nil, tableError(path, err)
		}
		out := dataRow{values: make(map[string]string, len(fields))}
		columns := make(map[string]int, len(fields))
		for i, f := range fields {
			line, column := r.FieldPos(i)
			if i == 0 {
				out.line = line
			}
			out.values[header[i]], columns[header[i]] = f, column
		}
		out.column = func(name string) int { return columns[name] }
		rows = append(rows, out)
	}
}

func repeated(names []string) int {
	for i, n := range names {
		if slices.Contains(names[:i], n) {
			return i
		}
	}
	return -1
}

func tableError(path string, err error) error {
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		return &FileError{File: path, Line: p.Line, Column: p.Column, Msg: p.Err.Error()}
	}
	return &FileError{File: path, Msg: err.Error()}
}

// readLines reads one JSON object of strings, numbers and booleans per line. Blank lines are passed
// over.
func readLines(path string, src []byte) ([]dataRow, error) {
	var rows []dataRow
	for n, cells := 1, 0; len(src) > 0; n++ {
		var line []byte
		line, src, _ = bytes.Cut(src, []byte("\n"))
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		r, err := readObject(line)
		if cells += 1 + len(r.values); err == nil && cells > cellLimit {
			err = &FileError{Msg: errCells.Error()}
		}
		if err != nil {
			err.File, err.Line = path, n
			return nil, err
		}
		r.line = n
		rows = append(rows, r)
	}
	return rows, nil
}

func readObject(line []byte) (dataRow, *FileError) {
	if len(line) > rowLimit {
		return dataRow{}, &FileError{Msg: fmt.Sprintf("a line of more than %d bytes", rowLimit)}
	}
	var object map[string]any
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if err := d.Decode(&object); err != nil {
		column := int(d.InputOffset()) + 1
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			column = int(syntax.Offset)
		}
		return dataRow{}, &FileError{Column: column, Msg: err.Error()}
	}
	if d.More() {
		return dataRow{}, &FileError{Column: int(d.InputOffset()) + 1, Msg: "more than one value on a line"}
	}
	at := func(name string) int { return bytes.Index(line, []byte(`"`+name+`"`)) + 1 }
	out := dataRow{values: make(map[string]string, len(object)), column: at}
	for name, v := range object {
		switch v := v.(type) {
		case string:
			out.values[name] = v
		case json.Number, bool:
			out.values[name] = fmt.Sprint(v)
		default:
			return dataRow{}, &FileError{Column: at(name), Msg: fmt.Sprintf("%q is neither text nor a number", name)}
		}
	}
	return out, nil
}
