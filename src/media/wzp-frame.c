#include "wzp-frame.h"

static WzpFrame *
new_frame (gpointer owner, GDestroyNotify notify)
{
  WzpFrame *frame = g_new (WzpFrame, 1);

  frame->meta = (WzpFrameMeta){
    .pts = WZP_TIME_NONE,
    .dts = WZP_TIME_NONE,
    .duration = WZP_TIME_NONE,
  };
  frame->iov = frame->inline_iov;
  frame->n_iov = 0;
  frame->queued_us = 0;
  g_atomic_ref_count_init (&frame->refs);
  frame->owner = owner;
  frame->owner_notify = notify;
  return frame;
}

WzpFrame *
wzp_frame_new_wrapped (
    const struct iovec *iov, guint n_iov, gpointer owner, GDestroyNotify notify)
{
  WzpFrame *frame;
  gsize size = 0;

  g_return_val_if_fail (iov != NULL || n_iov == 0, NULL);

  if (n_iov > WZP_FRAME_MAX_IOV)
    return NULL;
  for (guint i = 0; i < n_iov; i++) {
    if (iov[i].iov_len > WZP_FRAME_SIZE_MAX - size)
      return NULL;
    size += iov[i].iov_len;
  }

  frame = new_frame (owner, notify);
  for (guint i = 0; i < n_iov; i++)
    frame->inline_iov[i] = iov[i];
  frame->n_iov = n_iov;
  frame->meta.size = (guint32) size;
  return frame;
}

WzpFrame *
wzp_frame_new_take (guint8 *data, gsize size)
{
  WzpFrame *frame;

  g_return_val_if_fail (data != NULL || size == 0, NULL);
  g_return_val_if_fail (size <= WZP_FRAME_SIZE_MAX, NULL);

  frame = new_frame (data, g_free);
  frame->inline_iov[0] = (struct iovec){ .iov_base = data, .iov_len = size };
  frame->n_iov = 1;
  frame->meta.size = (guint32) size;
  return frame;
}

WzpFrame *
wzp_frame_ref (WzpFrame *frame)
{
  g_return_val_if_fail (frame != NULL, NULL);

  g_atomic_ref_count_inc (&frame->refs);
  return frame;
}

void
wzp_frame_unref (WzpFrame *frame)
{
  g_return_if_fail (frame != NULL);

  if (!g_atomic_ref_count_dec (&frame->refs))
    return;
  if (frame->owner_notify != NULL)
    frame->owner_notify (frame->owner);
  g_free (frame);
}

guint8 *
wzp_frame_steal_data (WzpFrame *frame)
{
  guint8 *data;

  g_return_val_if_fail (frame != NULL, NULL);

  /* Only wzp_frame_new_take() frees its owner with g_free() and has the owner
   * as its memory; an owner of a wrapped frame may use g_free() as well. */
  if (frame->owner == NULL || frame->owner_notify != g_free ||
      frame->n_iov != 1 || frame->iov[0].iov_base != frame->owner ||
      !g_atomic_ref_count_compare (&frame->refs, 1))
    return NULL;

  data = frame->owner;
  g_free (frame);
  return data;
}

guint
wzp_frame_slice (const WzpFrame *frame, gsize offset, gsize len,
    struct iovec *out, guint max_out, gsize *ret_len)
{
  gsize covered = 0;
  guint n_out = 0;

  for (guint i = 0; i < frame->n_iov && covered < len; i++) {
    const struct iovec *piece = &frame->iov[i];
    gsize take;

    if (offset >= piece->iov_len) {
      offset -= piece->iov_len;
      continue;
    }
    if (n_out == max_out)
      break;
    take = MIN (piece->iov_len - offset, len - covered);
    out[n_out].iov_base = (guint8 *) piece->iov_base + offset;
    out[n_out].iov_len = take;
    n_out++;
    covered += take;
    offset = 0;
  }
  *ret_len = covered;
  return n_out;
}
