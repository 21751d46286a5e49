/* gstwzpcaps: caps and tags on the wire, as text. What comes from a peer is
 * hostile: GStreamer's parsers recurse per bracket and take any field, so the
 * text is looked at before and the result after. Pure. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Brackets in brackets of a text. GStreamer's own use is 3 or so; its parser
 * overflows the stack at some ten thousand. */
#define GST_WZP_MAX_NESTING 16u

/* Whether buffers of such caps are bytes and nothing else: system memory, and
 * no meta that would have to come along. */
gboolean gst_wzp_caps_are_plain (const GstCaps *caps);
/* Those of @caps (taken) whose buffers are. */
GstCaps *gst_wzp_caps_filter_plain (GstCaps *caps);

/* Fixed, plain caps of one structure, or NULL. WZP_ERROR_PROTOCOL. */
GstCaps *gst_wzp_caps_parse (const char *text, GError **error);

/* What of a tag list is known here and of the right type; NULL: nothing. */
GstTagList *gst_wzp_tags_parse (const char *text);

G_END_DECLS
