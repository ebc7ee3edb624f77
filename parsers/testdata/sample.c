#ifndef A_H
#define A_H
#include <stdio.h>
#define M(x) \
  (x)
typedef struct a {
  int x; /* c */
  union { int q; } u;
} a_t;
enum E { A,
  B };
static int *tab[] = {
  1,
  { .a = 2 },
};
#ifdef X
int f(void) { return 1; }
#else
static inline const char *
g(int a,
  int b)
{
  int i;
  for (i = 0; i < 3; i++)
    x();
  switch (a) {
  case 1:
  case 2:
    x();
    break;
  default: y();
  }
#if 1
  q();
#else
  r();
#endif
  do { x(); } while (0);
out:
  return NULL;
}
#endif
int proto(int);
#endif

/*
 * A ring of bytes.
 */
struct ring {
	size_t head, tail; /* next to write, next to read */
	unsigned char *data;
};

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "size", required_argument,
	  NULL, 's' },
	{ 0 },
};

/* Puts a byte. */
int
ring_put(struct ring *r, unsigned char c)
{
	size_t next = (r->head + 1) % SIZE;

	if (next == r->tail)
		return -1;
	else if (next == 0) {
		wrapped++;
	} else {
		steps++;
	}
#ifdef TRACE
	fprintf(stderr, "put %d\n", c);
#endif
	r->data[r->head] = c;
	while (busy) {
		wait();
		if (--tries == 0)
			goto fail;
	}
	r->head = next;
	return 0;

fail:
	perror("ring");
	return -1;
}

#if defined(A) && \
    defined(B)
typedef void (*handler)(int);
#elif defined(C)
enum mode {
	MODE_A = 1,
	MODE_B,
};
#endif
