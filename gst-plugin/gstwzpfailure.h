/* gstwzpfailure: why something went wrong, kept until the streaming thread can
 * tell, and told as an element message with details. A value; any thread. */
#pragma once

#include <gst/gst.h>

#include "wzp-node.h"

G_BEGIN_DECLS

typedef struct {
  GError *error;       /* owned */
  char *phase;         /* owned */
  WzpPath path;        /* NONE: not of one path */
  guint64 quic_error;  /* 0: none */
  guint8 tls_alert;    /* 0: none */
  guint attempts;
} GstWzpFailure;

GstWzpFailure *gst_wzp_failure_new (const WzpFailure *failure);
void gst_wzp_failure_free (GstWzpFailure *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstWzpFailure, gst_wzp_failure_free)

/* The code of GST_RESOURCE_ERROR for @error; OPEN_* or READ/WRITE for what has
 * no code of its own. */
GstResourceError gst_wzp_failure_code (
    const GError *error, gboolean is_sink, gboolean was_connected);

/* Posts it on @element as an error, or as the warning @text ("... again in
 * 2.0 s") where @text is not NULL. */
void gst_wzp_failure_post (const GstWzpFailure *self, GstElement *element,
    gboolean is_sink, gboolean was_connected, const char *text);

G_END_DECLS
