package embedding_test

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"pith/embedding"
)

// table writes a table of words of width 2.
func table(words string, n int, vectors []int8, weights []float32) []byte {
	data := []byte("PITHWRD1")
	for _, x := range []int{n, 2, len(words)} {
		data = binary.LittleEndian.AppendUint32(data, uint32(x))
	}
	data = append(data, words...)
	for _, v := range vectors {
		data = append(data, byte(v))
	}
	for _, w := range weights {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(w))
	}
	return data
}

func TestRead(t *testing.T) {
	good := table("cat\ndog", 2, []int8{3, -4, 127, 0}, []float32{1, 2, 3, 4})
	words, err := embedding.Read(good)
	if err != nil {
		t.Fatal(err)
	}
	vector, question, code, ok := words.Embed("dog")
	if !ok || vector[0] != 127 || vector[1] != 0 || question != 2 || code != 4 {
		t.Errorf("dog is %v, %v, %v, %v", vector, question, code, ok)
	}
	if _, _, _, ok := words.Embed("bird"); ok {
		t.Error("a word that is not there is found")
	}
	other, err := embedding.Read(table("cat\ndog", 2, []int8{3, -4, 127, 1}, []float32{1, 2, 3, 4}))
	if err != nil || other.ID() == words.ID() {
		t.Errorf("two tables are both called %s (%v)", words.ID(), err)
	}
	for name, data := range map[string][]byte{
		"nothing":         nil,
		"something else":  []byte("ONNX and what follows it, long enough"),
		"cut off":         good[:len(good)-1],
		"more behind":     append(slices.Clip(good), 0),
		"too few words":   table("cat", 2, []int8{3, -4, 127, 0}, []float32{1, 2, 3, 4}),
		"too many words":  table("cat\ndog\nbird", 2, []int8{3, -4, 127, 0}, []float32{1, 2, 3, 4}),
		"announces a lot": append([]byte("PITHWRD1"), 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0),
	} {
		if _, err := embedding.Read(data); !errors.Is(err, embedding.ErrFormat) {
			t.Errorf("%s: error %v, want ErrFormat", name, err)
		}
	}
}

// The embedded table knows what it was trained for: words of one meaning lie closer than others.
func TestEmbeddedWords(t *testing.T) {
	words, err := embedding.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	cosine := func(a, b string) float64 {
		va, _, _, okA := words.Embed(a)
		vb, _, _, okB := words.Embed(b)
		if !okA || !okB {
			t.Fatalf("%s or %s is unknown", a, b)
		}
		sum, la, lb := 0.0, 0.0, 0.0
		for i := range va {
			sum += float64(va[i]) * float64(vb[i])
			la += float64(va[i]) * float64(va[i])
			lb += float64(vb[i]) * float64(vb[i])
		}
		return sum / math.Sqrt(la*lb)
	}
	for _, tt := range [][3]string{
		{"remove", "delete", "color"}, {"directory", "folder", "color"}, {"error", "exception", "width"},
	} {
		if near, far := cosine(tt[0], tt[1]), cosine(tt[0], tt[2]); near <= far {
			t.Errorf("%s is %.2f from %s and %.2f from %s", tt[0], near, tt[1], far, tt[2])
		}
	}
}
