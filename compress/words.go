package compress

// Terms are the words of a text as the ranking sees them: parts of identifiers, in lower case, without
// plural endings, and whole identifiers of several parts.
func Terms(text string) []string { return terms(text) }

// Identifiers are the words of a question that look like names of code.
func Identifiers(question string) map[string]bool { return identifiers(question) }
