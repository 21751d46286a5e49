/* wzp-stream: the streams of one connection as far as bytes are kept for them.
 *
 * An outgoing stream keeps its bytes until they are acknowledged. It waits
 * without an id until the peer's credit lets it be opened, then takes its turn
 * to send. A peer's stream has nothing to send but the FIN that ends our
 * half of it. Pure: knows nothing of QUIC but offsets. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a stream without bytes counts against the backlog. */
#define WZP_STREAM_OVERHEAD 64u

typedef struct _WzpStream WzpStream;
typedef struct _WzpStreams WzpStreams;

/* @max_backlog: bytes that may be unsent or unacknowledged in all. */
WzpStreams *wzp_streams_new (gsize max_backlog);
void wzp_streams_free (WzpStreams *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpStreams, wzp_streams_free)

/* Takes a reference to @bytes. WZP_ERROR_TOO_LARGE: over the backlog. */
gboolean wzp_streams_push (WzpStreams *self, GBytes *bytes, GError **error);
gsize wzp_streams_get_backlog (const WzpStreams *self);

/* The next that waits for an id; NULL: none does. */
WzpStream *wzp_streams_peek_waiting (const WzpStreams *self);
/* It has its id: it may send. */
void wzp_streams_opened (WzpStreams *self, WzpStream *stream, gint64 id);

/* A stream that the peer opened; it sends nothing until it is finished. */
WzpStream *wzp_streams_add_peer (WzpStreams *self, gint64 id);
/* A peer's stream by its id; NULL: none of that id. */
WzpStream *wzp_streams_find_peer (const WzpStreams *self, gint64 id);
/* Our half of a peer's stream ends: an empty FIN is sent. Idempotent. */
void wzp_streams_finish_peer (WzpStreams *self, WzpStream *stream);

/* The stream whose turn it is to send; NULL: none has anything. */
WzpStream *wzp_streams_peek_sendable (const WzpStreams *self);
/* What it has left to send; always to be sent with FIN when all of it goes. */
const guint8 *wzp_stream_get_unsent (const WzpStream *stream, gsize *ret_len);
/* @len more bytes went out, and with the last of them the FIN. */
void wzp_streams_sent (WzpStreams *self, WzpStream *stream, gsize len);
/* No credit of its own: not sendable until unblocked. */
void wzp_streams_block (WzpStreams *self, WzpStream *stream);
void wzp_streams_unblock (WzpStreams *self, WzpStream *stream);
/* Everything below @offset is acknowledged: gives backlog back. */
void wzp_streams_acked (WzpStreams *self, WzpStream *stream, guint64 offset);
/* It sends no more (refused by the peer or reset by us), but is still there. */
void wzp_streams_stop (WzpStreams *self, WzpStream *stream);
/* It is over: frees @stream. */
void wzp_streams_close (WzpStreams *self, WzpStream *stream);

gint64 wzp_stream_get_id (const WzpStream *stream);
gboolean wzp_stream_is_peer (const WzpStream *stream);
/* Whether the user was told that a peer's stream is over. */
gboolean wzp_stream_get_told (const WzpStream *stream);
void wzp_stream_set_told (WzpStream *stream);
/* Whether the user refused the rest of a peer's stream. */
gboolean wzp_stream_get_refused (const WzpStream *stream);
void wzp_stream_set_refused (WzpStream *stream);

G_END_DECLS
