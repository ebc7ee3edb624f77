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
