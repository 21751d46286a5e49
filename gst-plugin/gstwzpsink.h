/* gstwzpsink: sends a stream to a peer. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_WZP_SINK (gst_wzp_sink_get_type ())
GType gst_wzp_sink_get_type (void);
GST_ELEMENT_REGISTER_DECLARE (wzpsink)

G_END_DECLS
