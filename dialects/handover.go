package dialects

import "slices"

// assents are what Aider has the model say to files that it hands over before the question. Files,
// assent and question go out in one request: together they are one turn, and none ends inside.
var assents = []string{
	"Ok, any changes I propose will be to those files.",
	"Ok, I will use that as the true, current contents of the files.",
	"Ok, I will use these files as references.",
	"Ok, I won't try and edit those files without asking first.",
}

// bareAssent is its assent where it hands over no file. Behind files a model may say as much.
const bareAssent = "Ok."

// longestAssent bounds what is read to know one, in bytes of JSON.
const longestAssent = 100

// A handedOver is what a message shows whose words only hand files over, while the assent and the
// question are awaited.
type handedOver struct {
	message int
	shown   []func(query string)
}

// goesOn reports that message i belongs to the turn of the one before it, which hands files over:
// it is the client's own assent, or what the client says behind one.
func (p *planner) goesOn(messages []chatTurn, i int) bool {
	m := messages[i]
	if m.role == roleAssistant {
		said := p.shortWords(m)
		return slices.Contains(assents, said) || said == bareAssent && len(p.handed[len(p.handed)-1].shown) == 0
	}
	return m.role == roleUser && messages[i-1].role == roleAssistant &&
		!slices.ContainsFunc(m.parts, func(part messagePart) bool { return part.kind != partText })
}

// shortWords is what a message says, empty where it is longer than an assent or more than words.
func (p *planner) shortWords(m chatTurn) string {
	if len(m.parts) != 1 || m.parts[0].kind != partText || m.parts[0].end-m.parts[0].start > longestAssent {
		return ""
	}
	return readString(p.work, p.body, m.parts[0].start, m.parts[0].end)
}

// settle plans what was handed over for a question.
func (p *planner) settle(query string) {
	now := p.message
	for _, h := range p.handed {
		p.message = h.message
		p.show(h.shown, query)
	}
	p.message, p.handed = now, nil
}

// show plans what a message shows.
func (p *planner) show(shown []func(query string), query string) {
	for _, plan := range shown {
		if p.work.Err() != nil {
			return
		}
		plan(query)
	}
}
