#include "wzp-datagram-queue.h"

#include <string.h>

#define MIN_BYTES 4096u /* first size of the byte ring */
#define MIN_COUNT 16u   /* first size of the length ring */

struct _WzpDatagramQueue {
  gsize max_bytes;
  guint max_count;

  guint8 *data;   /* owned ring of @capacity bytes, or NULL */
  gsize capacity; /* 0 or a power of two */
  gsize head;     /* where the oldest datagram begins */
  gsize bytes;    /* in use from @head on */

  guint32 *lengths; /* owned ring of @slots lengths, or NULL */
  guint slots;      /* 0 or a power of two */
  guint first;      /* slot of the oldest */
  guint count;
};

WzpDatagramQueue *
wzp_datagram_queue_new (gsize max_bytes, guint max_count)
{
  WzpDatagramQueue *self = g_new0 (WzpDatagramQueue, 1);

  self->max_bytes = max_bytes;
  self->max_count = max_count;
  return self;
}

void
wzp_datagram_queue_free (WzpDatagramQueue *self)
{
  if (self == NULL)
    return;

  g_free (self->data);
  g_free (self->lengths);
  g_free (self);
}

/* Copies @len bytes that begin @offset bytes behind the oldest one out of the
 * ring, as one or two pieces. */
static int
map_bytes (const WzpDatagramQueue *self, gsize offset, gsize len,
    struct iovec ret_iov[2])
{
  gsize start, until_end;

  if (self->capacity == 0) { /* only empty datagrams so far */
    ret_iov[0] = (struct iovec){ .iov_base = NULL, .iov_len = 0 };
    return 1;
  }

  start = (self->head + offset) & (self->capacity - 1);
  until_end = self->capacity - start;
  ret_iov[0] = (struct iovec){ .iov_base = self->data + start,
    .iov_len = MIN (len, until_end) };
  if (len <= until_end)
    return 1;
  ret_iov[1] =
      (struct iovec){ .iov_base = self->data, .iov_len = len - until_end };
  return 2;
}

static void
grow_bytes (WzpDatagramQueue *self, gsize needed)
{
  gsize capacity = MAX (self->capacity, MIN_BYTES);
  struct iovec pieces[2];
  guint8 *data;
  gsize done = 0;
  int n;

  while (capacity < needed)
    capacity *= 2;
  if (capacity == self->capacity)
    return;

  data = g_malloc (capacity);
  n = map_bytes (self, 0, self->bytes, pieces);
  for (int i = 0; i < n && self->bytes > 0; i++) {
    memcpy (data + done, pieces[i].iov_base, pieces[i].iov_len);
    done += pieces[i].iov_len;
  }
  g_free (self->data);
  self->data = data;
  self->capacity = capacity;
  self->head = 0;
}

static void
grow_slots (WzpDatagramQueue *self)
{
  guint slots = MAX (self->slots * 2, MIN_COUNT);
  guint32 *lengths;

  if (self->count < self->slots)
    return;

  lengths = g_new (guint32, slots);
  for (guint i = 0; i < self->count; i++)
    lengths[i] = self->lengths[(self->first + i) & (self->slots - 1)];
  g_free (self->lengths);
  self->lengths = lengths;
  self->slots = slots;
  self->first = 0;
}

static void
append_bytes (WzpDatagramQueue *self, const guint8 *data, gsize len)
{
  struct iovec pieces[2];
  int n;

  if (len == 0)
    return;

  n = map_bytes (self, self->bytes, len, pieces);
  memcpy (pieces[0].iov_base, data, pieces[0].iov_len);
  if (n == 2)
    memcpy (pieces[1].iov_base, data + pieces[0].iov_len, pieces[1].iov_len);
  self->bytes += len;
}

gboolean
wzp_datagram_queue_push (
    WzpDatagramQueue *self, const struct iovec *iov, int n_iov)
{
  gsize len = 0;

  g_return_val_if_fail (self != NULL, FALSE);

  for (int i = 0; i < n_iov; i++)
    len += iov[i].iov_len;
  if (self->count >= self->max_count || len > self->max_bytes ||
      self->bytes > self->max_bytes - len)
    return FALSE;

  if (len > 0)
    grow_bytes (self, self->bytes + len);
  grow_slots (self);
  for (int i = 0; i < n_iov; i++)
    append_bytes (self, iov[i].iov_base, iov[i].iov_len);
  self->lengths[(self->first + self->count) & (self->slots - 1)] = len;
  self->count++;
  return TRUE;
}

int
wzp_datagram_queue_peek (const WzpDatagramQueue *self, struct iovec ret_iov[2])
{
  g_return_val_if_fail (self != NULL, 0);

  if (self->count == 0)
    return 0;
  return map_bytes (self, 0, self->lengths[self->first], ret_iov);
}

void
wzp_datagram_queue_pop (WzpDatagramQueue *self)
{
  gsize len;

  g_return_if_fail (self != NULL && self->count > 0);

  len = self->lengths[self->first];
  self->first = (self->first + 1) & (self->slots - 1);
  self->count--;
  self->bytes -= len;
  if (self->capacity > 0)
    self->head = (self->head + len) & (self->capacity - 1);
}

gsize
wzp_datagram_queue_get_bytes (const WzpDatagramQueue *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->bytes;
}

guint
wzp_datagram_queue_get_count (const WzpDatagramQueue *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->count;
}

void
wzp_datagram_queue_clear (WzpDatagramQueue *self)
{
  g_return_if_fail (self != NULL);

  self->bytes = self->head = 0;
  self->count = self->first = 0;
}

void
wzp_datagram_queue_trim (WzpDatagramQueue *self)
{
  g_return_if_fail (self != NULL);

  if (self->count > 0)
    return;
  wzp_datagram_queue_clear (self);
  g_clear_pointer (&self->data, g_free);
  g_clear_pointer (&self->lengths, g_free);
  self->capacity = 0;
  self->slots = 0;
}
