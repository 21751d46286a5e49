/* gstwzpsrc: receives a stream from a peer. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_WZP_SRC (gst_wzp_src_get_type ())
GType gst_wzp_src_get_type (void);
GST_ELEMENT_REGISTER_DECLARE (wzpsrc)

G_END_DECLS
