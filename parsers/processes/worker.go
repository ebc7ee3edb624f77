package processes

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"pith/parsers"
)

// gaveUp is the exit status of a worker that ends for another reason than a file.
const gaveUp = 1

// ServeWorker is a parse process: it answers requests from in on out until in ends. main calls it
// before anything else when its first argument is WorkerArg. It limits the memory and the processor
// time of its process for good, so it is not for use inside of another program.
func ServeWorker(in io.Reader, out io.Writer) error {
	if err := limitMemory(); err != nil {
		return fmt.Errorf("limit memory: %w", err)
	}
	goFirst()
	watchProcessor()
	if err := writeFrame(out, nil); err != nil {
		return fmt.Errorf("report readiness: %w", err)
	}
	var known parsers.Grammars
	r := bufio.NewReader(in)
	for {
		payload, err := readFrame(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read request: %w", err)
		}
		if err := writeFrame(out, answer(&known, payload)); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
	}
}

func answer(known *parsers.Grammars, payload []byte) []byte {
	req, err := decodeRequest(payload)
	if err != nil {
		return encodeAnswer(parsers.Outline{}, err)
	}
	s, err := known.Load(req.language)
	if err != nil {
		return encodeAnswer(parsers.Outline{}, err)
	}
	if err := limitProcessor(req.limit); err != nil {
		return encodeAnswer(parsers.Outline{}, fmt.Errorf("limit processor time: %w", err))
	}
	return encodeAnswer(parsers.Parse(s, req.src, req.limit))
}
