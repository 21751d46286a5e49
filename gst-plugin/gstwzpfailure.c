#include "gstwzpfailure.h"

#include <gio/gio.h>

#include "gstwzpenums.h"

GstWzpFailure *
gst_wzp_failure_new (const WzpFailure *failure)
{
  GstWzpFailure *self = g_new (GstWzpFailure, 1);

  *self = (GstWzpFailure){
    .error = g_error_copy (failure->error),
    .phase = g_strdup (failure->phase),
    .path = failure->path,
    .quic_error = failure->quic_error,
    .tls_alert = failure->tls_alert,
    .attempts = failure->attempts,
  };
  return self;
}

void
gst_wzp_failure_free (GstWzpFailure *self)
{
  g_error_free (self->error);
  g_free (self->phase);
  g_free (self);
}

static GstResourceError
code_of_transport (gboolean is_sink, gboolean was_connected)
{
  if (was_connected)
    return is_sink ? GST_RESOURCE_ERROR_WRITE : GST_RESOURCE_ERROR_READ;
  return is_sink ? GST_RESOURCE_ERROR_OPEN_WRITE : GST_RESOURCE_ERROR_OPEN_READ;
}

GstResourceError
gst_wzp_failure_code (
    const GError *error, gboolean is_sink, gboolean was_connected)
{
  if (g_error_matches (error, WZP_ERROR, WZP_ERROR_NOT_FOUND))
    return GST_RESOURCE_ERROR_NOT_FOUND;
  if (g_error_matches (error, WZP_ERROR, WZP_ERROR_IDENTITY) ||
      g_error_matches (error, WZP_ERROR, WZP_ERROR_REJECTED) ||
      g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_ACCES) ||
      g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_PERM))
    return GST_RESOURCE_ERROR_NOT_AUTHORIZED;
  if (g_error_matches (error, WZP_ERROR, WZP_ERROR_BUSY) ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
    return GST_RESOURCE_ERROR_BUSY;
  /* Files are read only because a setting says so. */
  if (g_error_matches (error, WZP_ERROR, WZP_ERROR_INVALID) ||
      error->domain == G_FILE_ERROR)
    return GST_RESOURCE_ERROR_SETTINGS;
  return code_of_transport (is_sink, was_connected);
}

static GstStructure *
new_details (const GstWzpFailure *self)
{
  return gst_structure_new ("application/x-wzp-failure", "phase", G_TYPE_STRING,
      self->phase, "path", gst_wzp_path_get_type (), self->path, "quic-error",
      G_TYPE_UINT64, self->quic_error, "tls-alert", G_TYPE_UINT,
      (guint) self->tls_alert, "attempts", G_TYPE_UINT, self->attempts, NULL);
}

void
gst_wzp_failure_post (const GstWzpFailure *self, GstElement *element,
    gboolean is_sink, gboolean was_connected, const char *text)
{
  char *debug =
      g_strdup_printf ("phase %s, path %s, QUIC error %" G_GUINT64_FORMAT
                       ", TLS alert %u, attempts %u",
          self->phase, wzp_path_to_string (self->path), self->quic_error,
          self->tls_alert, self->attempts);

  gst_element_message_full_with_details (element,
      text != NULL ? GST_MESSAGE_WARNING : GST_MESSAGE_ERROR,
      GST_RESOURCE_ERROR,
      gst_wzp_failure_code (self->error, is_sink, was_connected),
      g_strdup (text != NULL ? text : self->error->message), debug, __FILE__,
      G_STRFUNC, __LINE__, new_details (self));
}
