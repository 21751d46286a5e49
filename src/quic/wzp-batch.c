#include "wzp-batch.h"

void
wzp_batch_init (WzpBatch *self)
{
  g_return_if_fail (self != NULL);

  self->data = g_malloc (WZP_BATCH_BYTES);
  wzp_batch_reset (self);
}

void
wzp_batch_clear (WzpBatch *self)
{
  g_return_if_fail (self != NULL);

  g_clear_pointer (&self->data, g_free);
  wzp_batch_reset (self);
}

void
wzp_batch_reset (WzpBatch *self)
{
  g_return_if_fail (self != NULL);

  self->len = 0;
  self->n_packets = 0;
  self->n_runs = 0;
}

gboolean
wzp_batch_is_empty (const WzpBatch *self)
{
  g_return_val_if_fail (self != NULL, TRUE);
  return self->n_packets == 0;
}

guint8 *
wzp_batch_get_room (const WzpBatch *self, gsize *ret_room)
{
  g_return_val_if_fail (self != NULL && ret_room != NULL, NULL);

  *ret_room =
      self->n_packets < WZP_BATCH_PACKETS ? WZP_BATCH_BYTES - self->len : 0;
  return self->data + self->len;
}

/* A run that ended with a shorter packet is complete. */
static gboolean
fits_run (const WzpBatchRun *run, gsize len, guint8 ecn)
{
  return run->ecn == ecn && len <= run->segment &&
      run->len % run->segment == 0 && run->len + len <= WZP_BATCH_RUN_MAX;
}

void
wzp_batch_add (WzpBatch *self, gsize len, gboolean same_path,
    const WzpAddr *local, const WzpAddr *remote, guint8 ecn)
{
  WzpBatchRun *last;

  g_return_if_fail (self != NULL && len > 0);
  g_return_if_fail (self->n_packets < WZP_BATCH_PACKETS);
  g_return_if_fail (len <= WZP_BATCH_BYTES - self->len);

  last = self->n_runs > 0 ? &self->runs[self->n_runs - 1] : NULL;
  if (last != NULL && same_path && fits_run (last, len, ecn)) {
    last->len += len;
  } else {
    WzpBatchRun *run = &self->runs[self->n_runs++];

    run->local = last != NULL && same_path ? last->local : *local;
    run->remote = last != NULL && same_path ? last->remote : *remote;
    run->ecn = ecn;
    run->offset = self->len;
    run->len = run->segment = len;
  }
  self->len += len;
  self->n_packets++;
}
