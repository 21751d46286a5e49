#include "wzp-stream.h"

#include "wzp-error.h"

struct _WzpStream {
  gint64 id;     /* -1: not opened yet */
  GBytes *bytes; /* owned, or NULL: nothing but a FIN */
  gsize sent;    /* bytes that went out */
  gsize acked;   /* bytes that were given back to the backlog */
  gboolean is_peer;
  gboolean is_told;
  gboolean is_refused;
  gboolean is_finished; /* nothing more to send, FIN included */
  GQueue *queue;        /* the one @link is in, or NULL */
  GList link;           /* in @queue */
};

struct _WzpStreams {
  GHashTable *all;  /* owned set of WzpStream, owned */
  GHashTable *peer; /* owned, id (inside) to WzpStream, not owned */
  GQueue waiting;   /* for an id */
  GQueue sendable;  /* by turns */
  gsize backlog, max_backlog;
};

static void
free_stream (gpointer data)
{
  WzpStream *stream = data;

  g_clear_pointer (&stream->bytes, g_bytes_unref);
  g_free (stream);
}

WzpStreams *
wzp_streams_new (gsize max_backlog)
{
  WzpStreams *self = g_new0 (WzpStreams, 1);

  self->all = g_hash_table_new_full (NULL, NULL, free_stream, NULL);
  self->peer = g_hash_table_new (g_int64_hash, g_int64_equal);
  self->max_backlog = max_backlog;
  g_queue_init (&self->waiting);
  g_queue_init (&self->sendable);
  return self;
}

void
wzp_streams_free (WzpStreams *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->peer);
  g_hash_table_unref (self->all); /* the links are inside the streams */
  g_free (self);
}

static WzpStream *
add_stream (WzpStreams *self, gint64 id)
{
  WzpStream *stream = g_new0 (WzpStream, 1);

  stream->id = id;
  stream->link.data = stream;
  g_hash_table_add (self->all, stream);
  return stream;
}

/* @queue: NULL for none. */
static void
move_to (WzpStream *stream, GQueue *queue)
{
  if (stream->queue == queue)
    return;
  if (stream->queue != NULL)
    g_queue_unlink (stream->queue, &stream->link);
  stream->queue = queue;
  if (queue != NULL)
    g_queue_push_tail_link (queue, &stream->link);
}

static gsize
get_size (const WzpStream *stream)
{
  return stream->bytes != NULL ? g_bytes_get_size (stream->bytes) : 0;
}

/* What it counts against the backlog while nothing is acknowledged. */
static gsize
get_weight (const WzpStream *stream)
{
  return stream->is_peer ? 0 : get_size (stream) + WZP_STREAM_OVERHEAD;
}

gboolean
wzp_streams_push (WzpStreams *self, GBytes *bytes, GError **error)
{
  WzpStream *stream;
  gsize size;

  g_return_val_if_fail (self != NULL && bytes != NULL, FALSE);

  size = g_bytes_get_size (bytes);
  if (size > self->max_backlog ||
      self->backlog + size + WZP_STREAM_OVERHEAD > self->max_backlog) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
        "A message of %" G_GSIZE_FORMAT " bytes does not fit: %" G_GSIZE_FORMAT
        " of at most %" G_GSIZE_FORMAT " bytes wait for the peer",
        size, self->backlog, self->max_backlog);
    return FALSE;
  }

  stream = add_stream (self, -1);
  stream->bytes = g_bytes_ref (bytes);
  self->backlog += get_weight (stream);
  move_to (stream, &self->waiting);
  return TRUE;
}

gsize
wzp_streams_get_backlog (const WzpStreams *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->backlog;
}

WzpStream *
wzp_streams_peek_waiting (const WzpStreams *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->waiting.head != NULL ? self->waiting.head->data : NULL;
}

void
wzp_streams_opened (WzpStreams *self, WzpStream *stream, gint64 id)
{
  g_return_if_fail (self != NULL && stream->id < 0);

  stream->id = id;
  move_to (stream, &self->sendable);
}

WzpStream *
wzp_streams_add_peer (WzpStreams *self, gint64 id)
{
  WzpStream *stream;

  g_return_val_if_fail (self != NULL, NULL);

  stream = add_stream (self, id);
  stream->is_peer = TRUE;
  g_hash_table_insert (self->peer, &stream->id, stream);
  return stream;
}

WzpStream *
wzp_streams_find_peer (const WzpStreams *self, gint64 id)
{
  g_return_val_if_fail (self != NULL, NULL);
  return g_hash_table_lookup (self->peer, &id);
}

void
wzp_streams_finish_peer (WzpStreams *self, WzpStream *stream)
{
  g_return_if_fail (self != NULL && stream->is_peer);

  if (!stream->is_finished)
    move_to (stream, &self->sendable);
}

WzpStream *
wzp_streams_peek_sendable (const WzpStreams *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->sendable.head != NULL ? self->sendable.head->data : NULL;
}

const guint8 *
wzp_stream_get_unsent (const WzpStream *stream, gsize *ret_len)
{
  const guint8 *data;
  gsize size;

  g_return_val_if_fail (stream != NULL, NULL);

  if (stream->bytes == NULL) {
    *ret_len = 0;
    return NULL;
  }
  data = g_bytes_get_data (stream->bytes, &size);
  *ret_len = size - stream->sent;
  return data + stream->sent;
}

void
wzp_streams_sent (WzpStreams *self, WzpStream *stream, gsize len)
{
  g_return_if_fail (self != NULL && stream != NULL);
  g_return_if_fail (len <= get_size (stream) - stream->sent);

  stream->sent += len;
  if (stream->sent == get_size (stream)) {
    stream->is_finished = TRUE;
    move_to (stream, NULL);
    return;
  }

  /* The others have their turn. */
  move_to (stream, NULL);
  move_to (stream, &self->sendable);
}

void
wzp_streams_block (WzpStreams *self, WzpStream *stream)
{
  g_return_if_fail (self != NULL && stream != NULL);
  move_to (stream, NULL);
}

void
wzp_streams_unblock (WzpStreams *self, WzpStream *stream)
{
  g_return_if_fail (self != NULL && stream != NULL);

  if (!stream->is_finished && stream->id >= 0 && !stream->is_peer)
    move_to (stream, &self->sendable);
}

void
wzp_streams_acked (WzpStreams *self, WzpStream *stream, guint64 offset)
{
  g_return_if_fail (self != NULL && stream != NULL);

  if (stream->is_peer || offset <= stream->acked)
    return;
  offset = MIN (offset, get_size (stream));
  self->backlog -= offset - stream->acked;
  stream->acked = offset;
}

void
wzp_streams_stop (WzpStreams *self, WzpStream *stream)
{
  g_return_if_fail (self != NULL && stream != NULL);

  stream->is_finished = TRUE;
  move_to (stream, NULL);
}

void
wzp_streams_close (WzpStreams *self, WzpStream *stream)
{
  g_return_if_fail (self != NULL && stream != NULL);

  move_to (stream, NULL);
  self->backlog -= get_weight (stream) - stream->acked;
  if (stream->is_peer)
    g_hash_table_remove (self->peer, &stream->id);
  g_hash_table_remove (self->all, stream);
}

gint64
wzp_stream_get_id (const WzpStream *stream)
{
  g_return_val_if_fail (stream != NULL, -1);
  return stream->id;
}

gboolean
wzp_stream_is_peer (const WzpStream *stream)
{
  g_return_val_if_fail (stream != NULL, FALSE);
  return stream->is_peer;
}

gboolean
wzp_stream_get_told (const WzpStream *stream)
{
  g_return_val_if_fail (stream != NULL, TRUE);
  return stream->is_told;
}

void
wzp_stream_set_told (WzpStream *stream)
{
  g_return_if_fail (stream != NULL);
  stream->is_told = TRUE;
}

gboolean
wzp_stream_get_refused (const WzpStream *stream)
{
  g_return_val_if_fail (stream != NULL, TRUE);
  return stream->is_refused;
}

void
wzp_stream_set_refused (WzpStream *stream)
{
  g_return_if_fail (stream != NULL);
  stream->is_refused = TRUE;
}
