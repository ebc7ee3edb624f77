"""The texts whose losses are stored to check other implementations of the scorer."""

GO = '''func (s *Server) keepAlive(conn net.Conn, idle time.Duration) error {
	if err := conn.SetReadDeadline(time.Now().Add(idle)); err != nil {
		return fmt.Errorf("set idle deadline: %w", err)
	}
	s.conns[conn] = stateIdle
	return nil
}
'''

PYTHON = '''def parse_header(line: bytes) -> tuple[str, str]:
    name, found, value = line.partition(b":")
    if not found:
        raise ValueError(f"no colon in header line {line!r}")
    return name.decode("ascii").strip().lower(), value.decode("latin-1").strip()
'''

TYPESCRIPT = '''export class RetryQueue<T> {
  private readonly waiting: T[] = [];
  constructor(private readonly send: (item: T) => Promise<void>, private readonly limit = 5) {}

  async flush(): Promise<number> {
    let sent = 0;
    while (this.waiting.length > 0) {
      await this.send(this.waiting[0]);
      this.waiting.shift();
      sent++;
    }
    return sent;
  }
}
'''

JAVA = '''public int indexOf(byte[] pattern, int from) {
    for (int i = Math.max(from, 0); i <= buffer.length - pattern.length; i++) {
        if (Arrays.equals(buffer, i, i + pattern.length, pattern, 0, pattern.length)) {
            return i;
        }
    }
    return -1;
}
'''

C = '''static int ring_push(struct ring *r, const void *item)
{
	if (r->head - r->tail == r->capacity)
		return -ENOBUFS;
	memcpy(r->slots + (r->head++ % r->capacity) * r->width, item, r->width);
	return 0;
}
'''

CPP = '''template <typename Key, typename Value>
Value* LruCache<Key, Value>::Find(const Key& key) {
  auto it = index_.find(key);
  if (it == index_.end()) return nullptr;
  order_.splice(order_.begin(), order_, it->second);
  return &it->second->value;
}
'''

RUST = '''impl<'a> Lexer<'a> {
    fn skip_comment(&mut self) -> Option<Span> {
        let start = self.offset;
        while let Some(c) = self.peek() {
            if c == '\\n' { break; }
            self.offset += c.len_utf8();
        }
        (self.offset > start).then(|| Span::new(start, self.offset))
    }
}
'''

JAVASCRIPT = '''function debounce(fn, wait) {
  let timer = null;
  return function (...args) {
    clearTimeout(timer);
    timer = setTimeout(() => fn.apply(this, args), wait);
  };
}
'''

UNICODE = '''# Größe prüfen – 大きさを確認する – проверка размера 🚀
def größe(wörter):
    return {"naïve": len(wörter), "Ω": sum(map(ord, wörter[0])), "表": "\\u200bテスト"}
'''


def cases():
    """Yields (name, given, text): given and text are encoded apart and joined."""
    sep = "\n"
    yield "go question", GO + sep, "How does the server handle keep-alive connections?"
    yield "go other question", GO + sep, "Where are cookies parsed?"
    yield "go code alone", "", GO
    yield "python doc", PYTHON + sep, "Splits one header line into its lower-cased name and its value."
    yield "typescript instruction", TYPESCRIPT + sep, "Stop flushing the queue after the limit is reached."
    yield "java question", JAVA + sep, "find the first position of a byte sequence in the buffer"
    yield "c question", C + sep, "What happens when the ring buffer is full?"
    yield "cpp code after code", CPP + sep, GO
    yield "rust doc", RUST + sep, "Skips to the end of the line and returns what was skipped."
    yield "javascript call site", JAVASCRIPT + sep, "window.onresize = debounce(() => layout(), 100);"
    yield "unicode", UNICODE + sep, "Wie groß sind die Wörter? 大きさは？"
    yield "blank lines and spaces", "x = 1\n\n\n\n", "    \t  y = 2   \n\n\n  z\r\n"
    yield "one token", "", "return"
    yield "two tokens", "if", " x"
    yield "question alone", "", "How does the server handle keep-alive connections?"
    every = "\n".join((GO, PYTHON, TYPESCRIPT, JAVA, C, CPP, RUST, JAVASCRIPT, UNICODE))
    yield "long", (every * 2)[:4200] + sep, every[:600]
