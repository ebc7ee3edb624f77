package configs

// A Section documents a list of the file.
type Section struct {
	Path, Help string
	Keys       []Key
}

// Sections lists the lists with the keys of an entry.
func Sections() []Section {
	var out []Section
	for _, l := range new(Config).lists() {
		s := Section{Path: l.path, Help: l.help}
		for _, b := range l.entry() {
			s.Keys = append(s.Keys, Key{Path: b.path, Value: show(b.field), Help: b.help})
		}
		out = append(out, s)
	}
	return out
}
