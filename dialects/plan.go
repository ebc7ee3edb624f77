package dialects

import (
	"cmp"
	"strings"
	"unicode/utf8"

	"pith/compress"
)

// A Block is a piece of code in the body that will be compressed.
type Block struct {
	// Request is what the engine is asked of it alone; its Group says within what budget.
	Request compress.Request

	// lines are the block's lines in the body, depth is how many JSON strings stand around them
	// beyond the body's own.
	lines []textLine
	depth int
	// content is what the engine sees of each line: the line without its number.
	content []string
	// message is the turn that it stands in.
	message int
}

// bytes is the size of the code.
func (b *Block) bytes() int { return len(b.Request.Files[0].Content) }

// Rules say which blocks are planned and what they are compressed for.
type Rules struct {
	// Force drops the minimum size and the need for a question; what must never be touched still is
	// not.
	Force bool
	// Budget is the number of tokens for the blocks of one message together; see Plan.Groups. Zero:
	// Rate decides.
	Budget int
	// Rate is compressed / original tokens of each group. Zero: the engine's own choice.
	Rate float64
	// Query stands for every block's own question when not empty.
	Query string
	// MinBytes is the smallest block that is planned, in bytes of its text.
	MinBytes int
	// Tenant is whose request it is.
	Tenant string
	// Prune shortens few-shot prompts. If nil, none.
	Prune Pruner
}

// A Plan says what may change in a conversation.
type Plan struct {
	Blocks []Block
	// Budget is Rules.Budget.
	Budget int
	// Left is why the most of what was left alone was; empty where nothing that could be code was.
	Left Left
	// Prompts are the few-shot prompts that are shortened, by PromptEdits.
	Prompts     []PrunedPrompt
	PromptEdits []Edit
}

// Plan picks the blocks of a conversation. An error is that of the Work that it was read with.
func (c Conversation) Plan(rules Rules) (Plan, error) {
	p := planner{
		model: c.Model, rules: rules, work: c.work,
		history: history{work: c.work}, calls: map[string]pendingCall{},
	}
	if c.earlier != nil {
		p.run(*c.earlier)
		p.plan = Plan{} // what went out is not changed any more
	}
	p.run(c)
	p.plan.Budget = rules.Budget
	return p.plan, c.work.Err()
}

// A planner walks a conversation from its first turn to its last and picks the blocks. What it
// decides for a block depends on the turns up to and including the block's own and on nothing
// behind them, so that a longer conversation decides the same for its older blocks: the provider's
// prompt cache lives on that.
type planner struct {
	body  []byte
	model string
	rules Rules
	plan  Plan
	work  *Work

	history history
	calls   map[string]pendingCall
	// instruction is the user's latest; announcement is what the assistant said since the last turn
	// that was not its own.
	instruction, announcement string
	message                   int
	// mention is a read that the client did itself for a file that the user named, while its result
	// is awaited.
	mention *mention
	// left counts the bytes of what was left alone, by reason.
	left map[Left]int
}

// A pendingCall is a tool call that waits for its result. The question is put together when it
// comes: of a hundred thousand calls that nobody answers none has a copy of what was said before
// them.
type pendingCall struct {
	action action
	// fresh says of each print whether its file was neither shown nor changed before.
	fresh []bool
	// instruction, announcement and args are what was said when it was called.
	instruction, announcement, args string
}

// pendingBytes and printBytes are about what a pendingCall and a print of one take.
const pendingBytes, printBytes = 240, 72

// query is what a call's result is read for.
func (c pendingCall) query() string { return joinTexts(c.instruction, c.announcement, c.args) }

func (p *planner) run(c Conversation) {
	p.body = c.body
	p.left = map[Left]int{}
	for i, m := range c.messages {
		if p.work.Err() != nil {
			return
		}
		p.message = i
		switch m.role {
		case roleAssistant:
			p.assistant(m)
		default:
			p.turn(m)
			p.announcement = ""
		}
	}
	most := 0
	for left, bytes := range p.left {
		if bytes > most || bytes == most && left < p.plan.Left {
			p.plan.Left, most = left, bytes
		}
	}
}

// leave notes a text that is sent as it came, and why.
func (p *planner) leave(left Left, bytes int) {
	if bytes < p.rules.MinBytes && !p.rules.Force {
		left = LeftSmall
	}
	p.left[left] += bytes
}

// assistant notes what was said and asked. Nothing of an assistant's turn is compressed.
func (p *planner) assistant(m chatTurn) {
	p.mention = nil
	for _, piece := range m.parts {
		switch piece.kind {
		case partText:
			said := strings.TrimSpace(readString(p.work, p.body, piece.start, piece.end))
			p.announcement = tail(said, maxQueryBytes+utf8.UTFMax)
			p.history.noteWords(said)
		case partCall:
			call := p.call(piece.call)
			// Each text longer than the question may be, so that cutting it changes none.
			call.instruction, call.announcement = p.instruction, p.announcement
			call.args = tail(strings.TrimSpace(piece.call.args), maxQueryBytes+utf8.UTFMax)
			p.calls[piece.callID] = call
		}
	}
}

// call notes what a call does.
func (p *planner) call(c toolCall) pendingCall {
	p.work.spend(len(c.args))
	a := understand(c)
	call := pendingCall{action: a}
	if !p.work.hold(pendingBytes + printBytes*len(a.prints)) {
		return call
	}
	var now history
	for _, print := range a.prints {
		fresh := print.Path != "" && p.history.whole(print.Path) && now.whole(print.Path)
		call.fresh = append(call.fresh, fresh)
		now.add(print.Path)
	}
	p.history.note(a)
	return call
}

// turn plans a user's or a tool's message.
func (p *planner) turn(m chatTurn) {
	u := userTurn{planner: p}
	for _, piece := range m.parts {
		switch piece.kind {
		case partText:
			u.read(readText(p.work, p.body, piece.start, piece.end))
		case partResult:
			p.result(piece)
		}
	}
	p.completion(m)
	// A turn that shows code without asking anything about it is read for the question before it.
	// It may be asked in the next turn; that is not looked at, since a request may have ended here.
	query := tail(cmp.Or(u.question(), p.instruction), maxQueryBytes+utf8.UTFMax)
	if !u.editable {
		for _, show := range u.shown {
			if p.work.Err() != nil {
				return
			}
			show(query)
		}
	}
	p.instruction = query
}

// looksAt counts a few looks at lines, and takes memory for what is remembered of them.
func (p *planner) looksAt(lines []textLine) bool {
	p.work.spend(4 * bytesOf(lines))
	return p.work.hold(len(lines) * contentBytes)
}

// add plans a file unless it is to be left alone.
func (p *planner) add(text jsonText, list listing, query, hint string) {
	size := bytesOf(list.lines)
	if !p.work.hold(size + blockBytes) {
		return
	}
	if !text.exact {
		p.leave(LeftUnsure, size)
		return
	}
	if !isCode(list.path, list.language, list.content) {
		p.leave(LeftNoCode, size)
		return
	}
	if query = cmp.Or(p.rules.Query, query); query == "" && !p.rules.Force {
		p.leave(LeftQuestion, size)
		return
	}
	joined := strings.Join(list.content, "\n")
	if last := list.lines[len(list.lines)-1]; last.eol < last.end {
		joined += "\n"
	}
	if len(joined) < p.rules.MinBytes && !p.rules.Force {
		p.leave(LeftSmall, size)
		return
	}
	p.plan.Blocks = append(p.plan.Blocks, Block{
		lines: list.lines, depth: text.depth, content: list.content, message: p.message,
		Request: compress.Request{
			Files:   []compress.File{{Path: list.path, Language: list.language, Content: joined}},
			Query:   tail(query, maxQueryBytes),
			Rate:    p.rules.Rate,
			Model:   p.model,
			Tenant:  p.rules.Tenant,
			WayBack: hint,
		},
	})
}

const (
	// contentBytes is what is remembered of a line, blockBytes about what is made for a block
	// beside it.
	contentBytes = 16
	blockBytes   = 512
)

// maxQueryBytes bounds the question. Pasted walls of text end in the question more often than they
// begin with it.
const maxQueryBytes = 4096

// tail returns the end of s, at most n bytes, from the start of a rune on.
func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[len(s)-n:], "")
}

func joinLines(lines []textLine) string {
	var b strings.Builder
	for i := range lines {
		b.WriteString(lines[i].text)
		b.WriteByte('\n')
	}
	return strings.TrimSpace(b.String())
}

// joinTexts puts what is not empty on lines of its own.
func joinTexts(texts ...string) string {
	var out []string
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" {
			out = append(out, t)
		}
	}
	return strings.Join(out, "\n")
}
