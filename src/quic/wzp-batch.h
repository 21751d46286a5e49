/* wzp-batch: packets of one connection, written back to back into one arena,
 * and cut into runs that one system call can send: same path, same ECN bits,
 * same size (the last may be shorter). Pure. */
#pragma once

#include "wzp-addr.h"

G_BEGIN_DECLS

/* The arena: the largest packet there is, and before it one that acknowledges. */
#define WZP_BATCH_BYTES   (65536u + 1536u)
#define WZP_BATCH_RUN_MAX 65535u /* bytes in one run */
#define WZP_BATCH_PACKETS 64u    /* at most */

typedef struct {
  WzpAddr local, remote;
  guint8 ecn;
  gsize offset, len; /* bytes in the arena; len 0: nothing left of it */
  gsize segment;     /* size of its packets */
} WzpBatchRun;

typedef struct {
  guint8 *data; /* owned, WZP_BATCH_BYTES */
  gsize len;    /* in use */
  guint n_packets;
  guint n_runs;
  WzpBatchRun runs[WZP_BATCH_PACKETS];
} WzpBatch;

void wzp_batch_init (WzpBatch *self);
void wzp_batch_clear (WzpBatch *self); /* frees the arena */
void wzp_batch_reset (WzpBatch *self); /* empty again */
gboolean wzp_batch_is_empty (const WzpBatch *self);
/* Where the next packet goes; @ret_room: bytes left, 0 when no more packets
 * are taken. */
guint8 *wzp_batch_get_room (const WzpBatch *self, gsize *ret_room);
/* A packet of @len bytes was written there. @same_path: to where the packet
 * before it went; the addresses are then not looked at. */
void wzp_batch_add (WzpBatch *self, gsize len, gboolean same_path,
    const WzpAddr *local, const WzpAddr *remote, guint8 ecn);

G_END_DECLS
