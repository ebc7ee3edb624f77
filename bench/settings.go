package bench

import (
	"fmt"
	"strings"

	"pith/compress"
)

// Settings returns the ways in which a ranker may be run: of an engine's ranker each speed and each
// stage that is asked for, of a baseline the one that there is. A speed counts only for rankers
// that read.
func (r Cases) Settings(ranker string, speeds, stages []string, seed uint64) ([]Setting, error) {
	switch ranker {
	case "":
		return nil, fmt.Errorf("a ranker without a name")
	case "head":
		return []Setting{{Name: ranker, Compressor: baseline{r.Splitter, r.Counters, headTruncation}}}, nil
	case "random":
		return []Setting{{Name: ranker, Compressor: baseline{r.Splitter, r.Counters, randomChunks(seed)}}}, nil
	}
	if ranker == baselineRanker || ranker == "words" || ranker == oracleRanker {
		speeds = speeds[:min(1, len(speeds))]
	}
	var settings []Setting
	for _, speed := range speeds {
		for _, stage := range stages {
			s := Setting{
				Name:    ranker,
				Request: compress.Request{Ranker: ranker, Speed: compress.Speed(speed), Stage: compress.Stage(stage)},
			}
			if len(speeds) > 1 {
				s.Name += "@" + speed
			}
			if len(stages) > 1 {
				s.Name += " " + stage
			}
			if ranker == oracleRanker {
				s.Request.Ranker, s.ask = baselineRanker, exam.answer
			}
			settings = append(settings, s)
		}
	}
	return settings, nil
}

// answer is the code that the question needs.
func (e exam) answer() string {
	var b strings.Builder
	for _, n := range e.needed {
		lines := strings.SplitAfter(e.files[n.file].Content, "\n")
		b.WriteString(strings.Join(lines[n.lines.start:n.lines.end], ""))
	}
	return b.String()
}
