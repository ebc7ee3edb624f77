package compress

import _ "embed"

// sample is a Python file as one finds them in small shops.
//
//go:embed testdata/shop.py
var sample string
