#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RING_MIN 16

/* A ring of bytes between one writer and one reader. */
struct ring {
    unsigned char *data;
    size_t size;
    size_t head;
    size_t tail;
};

int ring_init(struct ring *r, size_t size)
{
    size_t rounded = RING_MIN;

    while (rounded < size)
        rounded *= 2;
    r->data = malloc(rounded);
    if (r->data == NULL)
        return -ENOMEM;
    r->size = rounded;
    r->head = r->tail = 0;
    return 0;
}

void ring_free(struct ring *r)
{
    free(r->data);
    r->data = NULL;
    r->size = 0;
}

static size_t ring_used(const struct ring *r)
{
    return r->head - r->tail;
}

/* Writes as much as fits and returns how much that was. */
size_t ring_write(struct ring *r, const void *src, size_t len)
{
    size_t space = r->size - ring_used(r);
    size_t at = r->head & (r->size - 1);
    size_t first;

    if (len > space)
        len = space;
    first = r->size - at;
    if (first > len)
        first = len;
    memcpy(r->data + at, src, first);
    memcpy(r->data, (const unsigned char *)src + first, len - first);
    r->head += len;
    return len;
}

size_t ring_read(struct ring *r, void *dst, size_t len)
{
    size_t used = ring_used(r);
    size_t at = r->tail & (r->size - 1);
    size_t first;

    if (len > used)
        len = used;
    first = r->size - at;
    if (first > len)
        first = len;
    memcpy(dst, r->data + at, first);
    memcpy((unsigned char *)dst + first, r->data, len - first);
    r->tail += len;
    return len;
}
