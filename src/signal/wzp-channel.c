#include "wzp-channel.h"

#include "wzp-stream-frame.h"

#include <string.h>

typedef struct {
  gint64 id;
  WzpFrameReader *reader; /* owned; NULL once the message was read or refused */
  gsize held;             /* bytes pushed into the reader */
} Stream;

struct _WzpChannel {
  WzpConn *conn; /* not owned */
  const WzpChannelHandler *handler;
  gpointer user_data;
  GHashTable *streams; /* id to Stream; made with the first one */
  gsize held;          /* bytes in all readers */
  guint64 malformed;
  guint depth; /* of calls that may reach the handler */
  gboolean is_freed;
};

static void
free_stream (gpointer data)
{
  Stream *stream = data;

  g_clear_pointer (&stream->reader, wzp_frame_reader_free);
  g_free (stream);
}

WzpChannel *
wzp_channel_new (
    WzpConn *conn, const WzpChannelHandler *handler, gpointer user_data)
{
  WzpChannel *self;

  g_return_val_if_fail (conn != NULL, NULL);
  g_return_val_if_fail (handler != NULL, NULL);

  self = g_new0 (WzpChannel, 1);
  self->conn = conn;
  self->handler = handler;
  self->user_data = user_data;
  return self;
}

static void
destroy (WzpChannel *self)
{
  g_clear_pointer (&self->streams, g_hash_table_unref);
  g_free (self);
}

void
wzp_channel_free (WzpChannel *self)
{
  if (self == NULL)
    return;
  self->is_freed = TRUE;
  if (self->depth == 0)
    destroy (self);
}

static void
enter (WzpChannel *self)
{
  self->depth++;
}

/* The handler may have freed @self: touch nothing after the outermost. */
static void
leave (WzpChannel *self)
{
  if (--self->depth == 0 && self->is_freed)
    destroy (self);
}

/* Frees what is held of a message; the stream stays known until it is closed,
 * so that what still comes on it is not taken for a new message. */
static void
finish_stream (WzpChannel *self, Stream *stream)
{
  g_clear_pointer (&stream->reader, wzp_frame_reader_free);
  self->held -= stream->held;
  stream->held = 0;
}

static void
report_malformed (WzpChannel *self, gint64 stream_id, const GError *error)
{
  self->malformed++;
  g_debug (
      "signalling stream %" G_GINT64_FORMAT ": %s", stream_id, error->message);
  if (self->handler->malformed != NULL)
    self->handler->malformed (self, error, self->user_data);
}

/* Takes @error. Resets the stream: no more of it is wanted. */
static void
refuse_stream (WzpChannel *self, Stream *stream, GError *error)
{
  g_autoptr (GError) owned = error;
  gint64 id = stream->id;

  finish_stream (self, stream);
  wzp_conn_reset_stream (self->conn, id, WZP_CLOSE_PROTOCOL);
  report_malformed (self, id, owned);
}

static Stream *
get_stream (WzpChannel *self, gint64 stream_id)
{
  Stream *stream;

  if (self->streams == NULL)
    self->streams =
        g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, free_stream);
  stream = g_hash_table_lookup (self->streams, &stream_id);
  if (stream != NULL)
    return stream;
  if (g_hash_table_size (self->streams) >= WZP_CHANNEL_MAX_STREAMS)
    return NULL;

  stream = g_new0 (Stream, 1);
  stream->id = stream_id;
  stream->reader = wzp_frame_reader_new ();
  g_hash_table_insert (self->streams, &stream->id, stream);
  return stream;
}

static void
refuse_new_stream (WzpChannel *self, gint64 stream_id)
{
  g_autoptr (GError) error = g_error_new (WZP_ERROR, WZP_ERROR_TOO_LARGE,
      "More than %u streams are open at once", WZP_CHANNEL_MAX_STREAMS);

  wzp_conn_reset_stream (self->conn, stream_id, WZP_CLOSE_BUSY);
  report_malformed (self, stream_id, error);
}

static void
read_message (WzpChannel *self, Stream *stream, GBytes *payload)
{
  g_autoptr (WzpMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  gboolean has_more = wzp_frame_reader_is_partial (stream->reader);
  gsize len;
  const char *json = g_bytes_get_data (payload, &len);

  /* An empty GBytes has no data. */
  if (!has_more)
    message = wzp_message_parse (len > 0 ? json : "", len, &error);
  else
    g_set_error_literal (&error, WZP_ERROR, WZP_ERROR_PROTOCOL,
        "Bytes behind the message on its stream");
  if (message == NULL) {
    refuse_stream (self, stream, g_steal_pointer (&error));
    return;
  }

  finish_stream (self, stream);
  if (self->handler->message != NULL)
    self->handler->message (self, message, self->user_data);
}

/* One step of a message that is not complete yet. */
static void
push_data (WzpChannel *self, Stream *stream, const guint8 *data, gsize len,
    gboolean fin)
{
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GError) error = NULL;

  if (len > WZP_CHANNEL_MAX_HELD - self->held) {
    refuse_stream (self, stream,
        g_error_new (WZP_ERROR, WZP_ERROR_TOO_LARGE,
            "Unfinished messages of more than %u bytes", WZP_CHANNEL_MAX_HELD));
    return;
  }

  wzp_frame_reader_push (stream->reader, data, len);
  stream->held += len;
  self->held += len;
  payload = wzp_frame_reader_pop (stream->reader, &error);
  if (payload != NULL)
    read_message (self, stream, payload);
  else if (error != NULL)
    refuse_stream (self, stream, g_steal_pointer (&error));
  else if (fin)
    refuse_stream (self, stream,
        g_error_new_literal (WZP_ERROR, WZP_ERROR_PROTOCOL,
            "A stream ended before its message was complete"));
}

void
wzp_channel_stream_data (WzpChannel *self, gint64 stream_id, const guint8 *data,
    gsize len, gboolean fin)
{
  Stream *stream;

  g_return_if_fail (self != NULL);

  if (self->is_freed)
    return;
  enter (self);
  stream = get_stream (self, stream_id);
  if (stream == NULL)
    refuse_new_stream (self, stream_id);
  else if (stream->reader != NULL)
    push_data (self, stream, data, len, fin);
  leave (self);
}

void
wzp_channel_stream_closed (WzpChannel *self, gint64 stream_id)
{
  Stream *stream;
  gboolean was_cut;

  g_return_if_fail (self != NULL);

  if (self->is_freed || self->streams == NULL)
    return;
  stream = g_hash_table_lookup (self->streams, &stream_id);
  if (stream == NULL)
    return;
  was_cut = stream->reader != NULL;
  finish_stream (self, stream);
  g_hash_table_remove (self->streams, &stream_id);
  if (was_cut) {
    g_autoptr (GError) error = g_error_new_literal (WZP_ERROR,
        WZP_ERROR_PROTOCOL, "A stream was reset before its message was read");

    enter (self);
    report_malformed (self, stream_id, error);
    leave (self);
  }
}

gboolean
wzp_channel_send (WzpChannel *self, const WzpMessage *message, GError **error)
{
  g_autofree char *json = NULL;
  g_autoptr (GBytes) frame = NULL;
  gsize len;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (message != NULL, FALSE);

  json = wzp_message_to_json (message);
  len = strlen (json);
  if (len > WZP_STREAM_FRAME_MAX_PAYLOAD) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
        "%s of %" G_GSIZE_FORMAT " bytes, at most %u are sent",
        wzp_message_type_to_string (message->type), len,
        WZP_STREAM_FRAME_MAX_PAYLOAD);
    return FALSE;
  }
  frame = wzp_stream_frame_new (json, len);
  return wzp_conn_send_stream (self->conn, frame, error);
}

guint64
wzp_channel_get_malformed (const WzpChannel *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->malformed;
}
