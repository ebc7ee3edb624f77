package parsers

/*
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

// What the bindings link, as their api.h declares it.
typedef struct { uint32_t row, column; } TSPoint;
typedef struct { uint32_t context[4]; const void *id, *tree; } TSNode;
typedef struct { const void *tree, *id; uint32_t context[3]; } TSTreeCursor;

extern TSTreeCursor ts_tree_cursor_new(TSNode);
extern void ts_tree_cursor_delete(TSTreeCursor *);
extern TSNode ts_tree_cursor_current_node(const TSTreeCursor *);
extern uint16_t ts_tree_cursor_current_field_id(const TSTreeCursor *);
extern bool ts_tree_cursor_goto_first_child(TSTreeCursor *);
extern bool ts_tree_cursor_goto_next_sibling(TSTreeCursor *);
extern bool ts_tree_cursor_goto_parent(TSTreeCursor *);
extern uint16_t ts_node_symbol(TSNode);
extern TSPoint ts_node_start_point(TSNode);
extern TSPoint ts_node_end_point(TSNode);
extern bool ts_node_has_error(TSNode);
extern bool ts_node_is_error(TSNode);
extern bool ts_node_is_missing(TSNode);

typedef struct {
	TSPoint start, end;
	uint32_t depth;
	uint16_t symbol, field;
	bool inside, fault; // an error or a missing node lies in it; it is one
} pith_node;

typedef struct {
	TSTreeCursor cursor;
	uint32_t depth;
	bool dirty, ended;
} pith_walk;

static pith_walk *pith_walk_new(TSNode root) {
	pith_walk *w = calloc(1, sizeof *w);
	if (w) {
		w->cursor = ts_tree_cursor_new(root);
		w->dirty = ts_node_has_error(root);
	}
	return w;
}

static void pith_walk_delete(pith_walk *w) {
	ts_tree_cursor_delete(&w->cursor);
	free(w);
}

// pith_walk_next writes the next nodes, a parent before its children, and returns how many.
static int pith_walk_next(pith_walk *w, pith_node *out, int room) {
	int n = 0;
	while (n < room && !w->ended) {
		TSNode node = ts_tree_cursor_current_node(&w->cursor);
		pith_node *to = &out[n++];
		to->start = ts_node_start_point(node);
		to->end = ts_node_end_point(node);
		to->depth = w->depth;
		to->symbol = ts_node_symbol(node);
		to->field = ts_tree_cursor_current_field_id(&w->cursor);
		to->inside = w->dirty && ts_node_has_error(node);
		to->fault = w->dirty && (ts_node_is_error(node) || ts_node_is_missing(node));
		if (ts_tree_cursor_goto_first_child(&w->cursor)) {
			w->depth++;
			continue;
		}
		while (!ts_tree_cursor_goto_next_sibling(&w->cursor)) {
			if (!ts_tree_cursor_goto_parent(&w->cursor)) {
				w->ended = true;
				break;
			}
			w->depth--;
		}
	}
	return n;
}
*/
import "C"

import (
	"errors"
	"unsafe"

	sitter "github.com/smacker/go-tree-sitter"
)

// walkRoom is how many nodes come over from C at once: a call for each would take longer than the
// grammar does.
const walkRoom = 1024

var errWalk = errors.New("no memory to walk the tree")

// A visit is one node of a grammar's tree as the walk meets it.
type visit struct {
	startRow, startColumn, endRow, endColumn int
	depth                                    int
	symbol, field                            int
	// inside says that an error or a missing node lies in the node, fault that it is one itself.
	inside, fault bool
}

// walkTree calls see for each node of a tree, a parent before its children. It does not recurse: a
// tree can be as deep as the file is long, and the recursive functions of the C library
// (ts_node_string, child_by_field_name) overflow the stack on such trees.
func walkTree(tree *sitter.Tree, see func(visit)) error {
	root := tree.RootNode()
	// sitter.Node begins with the TSNode and does not give it out; were it laid out otherwise, no
	// outline of TestOutline would come out.
	w := C.pith_walk_new(*(*C.TSNode)(unsafe.Pointer(root)))
	if w == nil {
		return errWalk
	}
	defer C.pith_walk_delete(w)
	var buf [walkRoom]C.pith_node
	for {
		n := int(C.pith_walk_next(w, &buf[0], walkRoom))
		if n == 0 {
			return nil
		}
		for i := range buf[:n] {
			b := &buf[i]
			see(visit{
				startRow: int(b.start.row), startColumn: int(b.start.column), endRow: int(b.end.row),
				endColumn: int(b.end.column),
				depth:     int(b.depth), symbol: int(b.symbol), field: int(b.field), inside: bool(b.inside),
				fault: bool(b.fault),
			})
		}
	}
}
