/* wzp-channel: signalling messages over one QUIC connection, for both ends.
 *
 * Each message is one new bidirectional stream: a stream frame with JSON, FIN.
 * Bounds: WZP_CHANNEL_MAX_STREAMS streams half read at once, a message of at
 * most WZP_STREAM_FRAME_MAX_PAYLOAD, and WZP_CHANNEL_MAX_HELD bytes of
 * unfinished messages together; a stream over any of them is reset, and a
 * malformed message is counted, reported by `malformed`, and changes nothing.
 *
 * Messages on different streams may overtake each other on a lossy path.
 *
 * Embeds in its owner's WzpConnHandler: forward stream_data and stream_closed.
 * The endpoint's thread. */
#pragma once

#include "wzp-conn.h"
#include "wzp-message.h"

G_BEGIN_DECLS

#define WZP_CHANNEL_MAX_STREAMS 128u
#define WZP_CHANNEL_MAX_HELD    (256u * 1024u) /* bytes */

typedef struct _WzpChannel WzpChannel;

/* Either may be NULL. Either may free the channel. */
typedef struct {
  void (*message) (
      WzpChannel *channel, const WzpMessage *message, gpointer user_data);
  /* WZP_ERROR_PROTOCOL, or WZP_ERROR_TOO_LARGE for a bound. */
  void (*malformed) (
      WzpChannel *channel, const GError *error, gpointer user_data);
} WzpChannelHandler;

/* Does not take a reference to @conn, which must outlive it. @handler must stay
 * valid (static). */
WzpChannel *wzp_channel_new (
    WzpConn *conn, const WzpChannelHandler *handler, gpointer user_data);
/* Safe inside message() and malformed(): nothing is called after. */
void wzp_channel_free (WzpChannel *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpChannel, wzp_channel_free)

void wzp_channel_stream_data (WzpChannel *self, gint64 stream_id,
    const guint8 *data, gsize len, gboolean fin);
void wzp_channel_stream_closed (WzpChannel *self, gint64 stream_id);
/* WZP_ERROR_CLOSED, or WZP_ERROR_TOO_LARGE when the message is over
 * WZP_STREAM_FRAME_MAX_PAYLOAD or too much is unsent. */
gboolean wzp_channel_send (
    WzpChannel *self, const WzpMessage *message, GError **error);
/* Messages refused so far, for whatever reason. */
guint64 wzp_channel_get_malformed (const WzpChannel *self);

G_END_DECLS
