#include "gstwzpframe.h"

#include "wzp-error.h"

/* What a frame keeps: a buffer of few memories with each of them mapped, or
 * one of many that was mapped as a whole, which merges them. */
typedef struct {
  GstBuffer *buffer; /* owned */
  gboolean is_merged;
  guint n_maps;
  GstMapInfo maps[WZP_FRAME_MAX_IOV];
} MappedBuffer;

static void
mapped_buffer_free (gpointer data)
{
  MappedBuffer *self = data;

  if (self->is_merged)
    gst_buffer_unmap (self->buffer, &self->maps[0]);
  for (guint i = 0; !self->is_merged && i < self->n_maps; i++)
    gst_memory_unmap (self->maps[i].memory, &self->maps[i]);
  gst_buffer_unref (self->buffer);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MappedBuffer, mapped_buffer_free)

static gboolean
map_memories (MappedBuffer *self)
{
  const guint n = gst_buffer_n_memory (self->buffer);

  if (n > WZP_FRAME_MAX_IOV) {
    self->is_merged =
        gst_buffer_map (self->buffer, &self->maps[0], GST_MAP_READ);
    self->n_maps = self->is_merged;
    return self->is_merged;
  }
  for (; self->n_maps < n; self->n_maps++) {
    if (!gst_memory_map (gst_buffer_peek_memory (self->buffer, self->n_maps),
            &self->maps[self->n_maps], GST_MAP_READ))
      return FALSE;
  }
  return TRUE;
}

static MappedBuffer *
mapped_buffer_new (GstBuffer *buffer)
{
  g_autoptr (MappedBuffer) self = g_new (MappedBuffer, 1);

  /* The maps are large and need no clearing. */
  self->buffer = gst_buffer_ref (buffer);
  self->is_merged = FALSE;
  self->n_maps = 0;
  return map_memories (self) ? g_steal_pointer (&self) : NULL;
}

static guint64
to_running_time (const GstSegment *segment, GstClockTime time)
{
  guint64 running_time;

  if (!GST_CLOCK_TIME_IS_VALID (time) || segment->format != GST_FORMAT_TIME)
    return WZP_TIME_NONE;
  switch (gst_segment_to_running_time_full (
      segment, GST_FORMAT_TIME, time, &running_time)) {
    case 1:
      return MIN (running_time, WZP_TIME_MAX);
    case -1:
      /* A DTS before the segment: what is decoded first. The wire has no
       * negative times, and one without a DTS would look newer. */
      return 0;
    default:
      return WZP_TIME_NONE;
  }
}

static const struct {
  guint gst, wzp;
} flag_map[] = {
  { GST_BUFFER_FLAG_DELTA_UNIT, WZP_FRAME_DELTA_UNIT },
  { GST_BUFFER_FLAG_DISCONT, WZP_FRAME_DISCONT },
  { GST_BUFFER_FLAG_HEADER, WZP_FRAME_HEADER },
  { GST_BUFFER_FLAG_MARKER, WZP_FRAME_MARKER },
  { GST_BUFFER_FLAG_DROPPABLE, WZP_FRAME_DROPPABLE },
};

static void
set_meta (WzpFrameMeta *meta, GstBuffer *buffer, const GstSegment *segment)
{
  meta->pts = to_running_time (segment, GST_BUFFER_PTS (buffer));
  meta->dts = to_running_time (segment, GST_BUFFER_DTS (buffer));
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    meta->duration = MIN (GST_BUFFER_DURATION (buffer), WZP_TIME_MAX);
  meta->flags = 0;
  for (guint i = 0; i < G_N_ELEMENTS (flag_map); i++) {
    if (GST_BUFFER_FLAG_IS_SET (buffer, flag_map[i].gst))
      meta->flags |= flag_map[i].wzp;
  }
}

WzpFrame *
gst_wzp_frame_new (GstBuffer *buffer, const GstSegment *segment, GError **error)
{
  struct iovec iov[WZP_FRAME_MAX_IOV];
  g_autoptr (MappedBuffer) mapped = mapped_buffer_new (buffer);
  WzpFrame *frame;

  if (mapped == NULL) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_FAILED,
        "The memory of a buffer cannot be read");
    return NULL;
  }
  for (guint i = 0; i < mapped->n_maps; i++)
    iov[i] = (struct iovec){
      .iov_base = mapped->maps[i].data,
      .iov_len = mapped->maps[i].size,
    };
  frame =
      wzp_frame_new_wrapped (iov, mapped->n_maps, mapped, mapped_buffer_free);
  if (frame == NULL) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
        "Buffer of %" G_GSIZE_FORMAT " bytes, at most %u are allowed",
        gst_buffer_get_size (buffer), WZP_FRAME_SIZE_MAX);
    return NULL;
  }
  g_steal_pointer (&mapped);
  set_meta (&frame->meta, buffer, segment);
  return frame;
}

static GstClockTime
shift (guint64 time, gint64 offset_ns)
{
  if (time == WZP_TIME_NONE)
    return GST_CLOCK_TIME_NONE;
  /* Both are at most 2^61 or so: no overflow. */
  return (GstClockTime) MAX (0, (gint64) MIN (time, WZP_TIME_MAX) + offset_ns);
}

GstBuffer *
gst_wzp_frame_to_buffer (WzpFrame *frame, gint64 offset_ns)
{
  const WzpFrameMeta *meta = &frame->meta;
  GstBuffer *buffer = gst_buffer_new ();

  GST_BUFFER_PTS (buffer) = shift (meta->pts, offset_ns);
  GST_BUFFER_DTS (buffer) = shift (meta->dts, offset_ns);
  GST_BUFFER_DURATION (buffer) = shift (meta->duration, 0);
  for (guint i = 0; i < G_N_ELEMENTS (flag_map); i++) {
    if (meta->flags & flag_map[i].wzp)
      GST_BUFFER_FLAG_SET (buffer, flag_map[i].gst);
  }
  for (guint i = 0; i < frame->n_iov; i++) {
    const struct iovec *piece = &frame->iov[i];

    if (piece->iov_len > 0)
      gst_buffer_append_memory (buffer,
          gst_memory_new_wrapped (0, piece->iov_base, piece->iov_len, 0,
              piece->iov_len, wzp_frame_ref (frame),
              (GDestroyNotify) wzp_frame_unref));
  }
  wzp_frame_unref (frame);
  return buffer;
}
