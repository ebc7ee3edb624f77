package perplexity

import (
	"embed"
	"io/fs"
)

//go:embed model
var embedded embed.FS

// Embedded returns the folder of the model that is part of the binary.
func Embedded() fs.FS {
	sub, err := fs.Sub(embedded, "model")
	if err != nil {
		panic(err) // "model" is a valid path: fs.Sub cannot fail
	}
	return sub
}
