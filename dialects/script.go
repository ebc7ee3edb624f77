package dialects

import (
	"encoding/json"
	"regexp"
	"strings"

	"pith/dialects/shell"
)

// Some agents give the model one tool that runs JavaScript, in which the other tools are functions:
//
//	const r = await tools.exec_command({cmd: "cat a.go", max_output_tokens: 20000});
//	text(r.output);
var (
	scriptCall = regexp.MustCompile(`\btools\.([A-Za-z_]\w*)\s*\(`)
	scriptKey  = regexp.MustCompile(`[{,]\s*["']?(cmd|command)["']?\s*:\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|` +
		"`[^`$\\\\]*`" + `|\[[^\[\]]*\])`)
	scriptShow = regexp.MustCompile(`(?s)\b(?:text|print|console\.log)\s*\(`)
)

// isScript reports that a tool's input is a script that calls other tools.
func isScript(input string) bool { return scriptCall.MatchString(input) }

// understandScript reads what a script does to files. Only one call whose output is shown once can
// be told from its result.
func understandScript(input string) action {
	calls := scriptCall.FindAllStringSubmatchIndex(input, shell.MaxWords+1)
	if len(calls) > shell.MaxWords {
		return action{kind: actChange, command: input}
	}
	all := action{kind: actOther}
	for i, m := range calls {
		end := len(input)
		if i+1 < len(calls) {
			end = calls[i+1][0]
		}
		a := understandScripted(bareName(input[m[2]:m[3]]), input[m[1]:end])
		if a.kind == actChange {
			return action{kind: actChange, command: input}
		}
		if len(calls) == 1 {
			all = a
			break
		}
		all.paths = append(all.paths, a.paths...)
		if len(a.paths) > 0 {
			all.kind, all.left = actPeek, LeftUnsure
		}
	}
	if all.kind == actRead && (len(scriptShow.FindAllString(input, -1)) != 1 || strings.Contains(input, ".slice(") ||
		strings.Contains(input, ".split(") || strings.Contains(input, ".substr") ||
		strings.Contains(input, ".replace(") || strings.Contains(input, ".filter(")) {
		all.kind, all.left = actPeek, LeftUnsure
	}
	return all
}

// understandScripted reads one call inside a script; args is its text from behind the parenthesis.
func understandScripted(name, args string) action {
	if !shellTools[name] {
		if readTools[name] {
			return action{kind: actPeek, left: LeftUnsure}
		}
		if hasVerb(name, changeVerbs[:]) {
			return action{kind: actChange}
		}
		return action{kind: actOther}
	}
	m := scriptKey.FindStringSubmatch("{" + strings.TrimLeft(args, "{ \t\r\n"))
	if m == nil {
		return action{kind: actChange}
	}
	literal := m[2]
	switch literal[0] {
	case '[':
		var words []string
		if json.Unmarshal([]byte(literal), &words) != nil {
			return action{kind: actChange}
		}
		return understandShell(commandOf(words))
	case '"':
		var command string
		if json.Unmarshal([]byte(literal), &command) == nil {
			return understandShell(command)
		}
	}
	if body := literal[1 : len(literal)-1]; !strings.Contains(body, `\`) {
		return understandShell(body)
	}
	return action{kind: actChange}
}
