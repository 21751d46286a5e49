/* wzp-datagram-queue: a bounded first-in-first-out queue of datagrams, copied
 * into one ring of bytes. Pure. */
#pragma once

#include <glib.h>
#include <sys/uio.h>

G_BEGIN_DECLS

typedef struct _WzpDatagramQueue WzpDatagramQueue;

/* Memory is taken only when the first datagram comes. */
WzpDatagramQueue *wzp_datagram_queue_new (gsize max_bytes, guint max_count);
void wzp_datagram_queue_free (WzpDatagramQueue *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpDatagramQueue, wzp_datagram_queue_free)

/* FALSE: full; nothing is taken then. An empty datagram is one too. */
gboolean wzp_datagram_queue_push (
    WzpDatagramQueue *self, const struct iovec *iov, int n_iov);
/* The oldest one as up to two pieces, valid until the next push or pop.
 * Returns how many pieces (1 or 2), 0 when the queue is empty. */
int wzp_datagram_queue_peek (
    const WzpDatagramQueue *self, struct iovec ret_iov[2]);
void wzp_datagram_queue_pop (WzpDatagramQueue *self);
gsize wzp_datagram_queue_get_bytes (const WzpDatagramQueue *self);
guint wzp_datagram_queue_get_count (const WzpDatagramQueue *self);
void wzp_datagram_queue_clear (WzpDatagramQueue *self);
/* Gives the memory back when the queue is empty: for the idle. */
void wzp_datagram_queue_trim (WzpDatagramQueue *self);

G_END_DECLS
