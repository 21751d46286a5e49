/* gstwzpcaps: caps and tags on the wire, as text. What comes from a peer is
 * hostile, and is looked at before (gstwzpscan) and after it is read. Pure. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

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
