#include "wzp-sent-frames.h"

#include <string.h>

G_STATIC_ASSERT ((WZP_SENT_FRAMES_MAX & (WZP_SENT_FRAMES_MAX - 1)) == 0);

struct _WzpSentFrames {
  WzpSentFrame *ring; /* owned; WZP_SENT_FRAMES_MAX, or NULL */
  guint first, n;
  gsize bytes;
};

static WzpSentFrame *
get (const WzpSentFrames *self, guint i)
{
  return &self->ring[(self->first + i) & (WZP_SENT_FRAMES_MAX - 1)];
}

static void
drop_first (WzpSentFrames *self)
{
  WzpSentFrame sent;

  if (wzp_sent_frames_take (self, &sent))
    wzp_frame_unref (sent.frame);
}

WzpSentFrames *
wzp_sent_frames_new (void)
{
  return g_new0 (WzpSentFrames, 1);
}

void
wzp_sent_frames_free (WzpSentFrames *self)
{
  wzp_sent_frames_clear (self);
  g_free (self->ring);
  g_free (self);
}

void
wzp_sent_frames_add (
    WzpSentFrames *self, guint64 flow, guint64 number, WzpFrame *frame)
{
  g_return_if_fail (frame != NULL);

  if (frame->meta.size > WZP_SENT_FRAMES_BYTES)
    return;
  while (self->n == WZP_SENT_FRAMES_MAX ||
      (self->n > 0 && self->bytes + frame->meta.size > WZP_SENT_FRAMES_BYTES))
    drop_first (self);
  if (self->ring == NULL)
    self->ring = g_new (WzpSentFrame, WZP_SENT_FRAMES_MAX);
  self->n++;
  self->bytes += frame->meta.size;
  *get (self, self->n - 1) = (WzpSentFrame){ .frame = wzp_frame_ref (frame),
    .flow = flow,
    .number = number,
    .sent_us = G_MAXINT64 };
}

void
wzp_sent_frames_end (WzpSentFrames *self, guint64 flow, gint64 now_us)
{
  for (guint i = self->n; i > 0; i--) {
    WzpSentFrame *sent = get (self, i - 1);

    if (sent->flow != flow)
      continue;
    sent->sent_us = MIN (sent->sent_us, now_us);
    return;
  }
}

void
wzp_sent_frames_forget (WzpSentFrames *self, gint64 before_us)
{
  while (self->n > 0 && get (self, 0)->sent_us < before_us)
    drop_first (self);
}

void
wzp_sent_frames_forget_flow (WzpSentFrames *self, guint64 flow)
{
  const guint n = self->n;
  WzpSentFrame sent;

  for (guint i = 0; i < n && wzp_sent_frames_take (self, &sent); i++) {
    if (sent.flow != flow) {
      self->n++;
      self->bytes += sent.frame->meta.size;
      *get (self, self->n - 1) = sent;
    } else {
      wzp_frame_unref (sent.frame);
    }
  }
}

gboolean
wzp_sent_frames_take (WzpSentFrames *self, WzpSentFrame *ret_sent)
{
  if (self->n == 0)
    return FALSE;
  *ret_sent = *get (self, 0);
  self->first = (self->first + 1) & (WZP_SENT_FRAMES_MAX - 1);
  self->n--;
  self->bytes -= ret_sent->frame->meta.size;
  return TRUE;
}

void
wzp_sent_frames_clear (WzpSentFrames *self)
{
  while (self->n > 0)
    drop_first (self);
}

guint
wzp_sent_frames_get_count (const WzpSentFrames *self)
{
  return self->n;
}

gsize
wzp_sent_frames_get_bytes (const WzpSentFrames *self)
{
  return self->bytes;
}
