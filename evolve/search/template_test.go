package search

import (
	"errors"
	"strings"
	"testing"
)

func TestTemplateKeepsSlotsWhole(t *testing.T) {
	text := "Say \"{text}\" and{ {unknown}:\n\nLabel: {text}"
	tpl, err := NewTemplate(text, []string{"text"}, Words)
	if err != nil {
		t.Fatal(err)
	}
	var fixed []string
	for _, u := range tpl.Units {
		if u.Fixed {
			fixed = append(fixed, u.Text)
		}
	}
	if strings.Join(fixed, " ") != "{text} {text}" || tpl.Text() != text {
		t.Errorf("fixed units %q, text %q", fixed, tpl.Text())
	}
	m := FullMask(len(tpl.Units))
	for _, i := range tpl.Prunable() {
		m[i] = false
	}
	if got := tpl.Render(m); got != "{text}{text}" {
		t.Errorf("everything pruned gives %q", got)
	}
}

func TestTemplateRefusesALossyTokenizer(t *testing.T) {
	_, err := NewTemplate("a b", nil, func(s string) ([]string, error) { return strings.Fields(s), nil })
	if !errors.Is(err, ErrTokenizer) {
		t.Errorf("err = %v, want ErrTokenizer", err)
	}
}

func TestFillDoesNotLookIntoFields(t *testing.T) {
	got := Fill("{a}-{b}", map[string]string{"a": "{b}", "b": "x"})
	if got != "{b}-x" {
		t.Errorf("Fill = %q, want {b}-x", got)
	}
}

func TestMaskText(t *testing.T) {
	var m Mask
	if err := m.UnmarshalText([]byte("1011")); err != nil || m.Kept() != 3 || m.Flip(0).String() != "0011" ||
		m.String() != "1011" {
		t.Errorf("mask %v, %v", m, err)
	}
	if err := m.UnmarshalText([]byte("1x")); err == nil {
		t.Error("mask 1x was read")
	}
}

func FuzzTemplateGivesTextBack(f *testing.F) {
	for _, s := range []string{"", "{x}", "a\n\n {x} b\xff", "{x}{x}", "don't  stop\t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tpl, err := NewTemplate(text, []string{"x"}, Words)
		if err != nil {
			t.Fatal(err)
		}
		if got := tpl.Text(); got != text {
			t.Fatalf("template of %q gives %q back", text, got)
		}
	})
}
