/* gstwzpframe: a GstBuffer as a frame to send and back, without a copy. Any
 * thread. */
#pragma once

#include <gst/gst.h>

#include "wzp-frame.h"

G_BEGIN_DECLS

/* Keeps @buffer and its memory mapped until the frame goes. @segment: turns its
 * times into running time; of another format than TIME: no times. NULL and
 * @error: over WZP_FRAME_SIZE_MAX bytes, or not readable. */
WzpFrame *gst_wzp_frame_new (
    GstBuffer *buffer, const GstSegment *segment, GError **error);

/* A buffer over the memory of @frame, which it takes. @offset_ns is added to
 * its times, which do not get below 0. */
GstBuffer *gst_wzp_frame_to_buffer (WzpFrame *frame, gint64 offset_ns);

G_END_DECLS
