#include "wzp-direct-proof.h"

#include "wzp-channel.h"
#include "wzp-media-offer.h"

#include <string.h>

typedef struct {
  WzpDirectProof *table;
  WzpConn *conn; /* owned; NULL: free */
  WzpChannel *channel;
  char *call_id;
  guint8 key[WZP_PUBLIC_KEY_LEN];
  gint64 deadline_us;
} Unproved;

struct _WzpDirectProof {
  const WzpIdentity *identity;
  const WzpDirectProofHandler *handler;
  gpointer user_data;
  Unproved items[WZP_DIRECT_PROOF_MAX];
};

/* Frees the place; a new reference to the connection, without a handler. */
static WzpConn *
steal_conn (Unproved *item)
{
  WzpConn *conn = g_steal_pointer (&item->conn);

  wzp_conn_set_handler (conn, NULL, NULL);
  g_clear_pointer (&item->channel, wzp_channel_free);
  g_clear_pointer (&item->call_id, g_free);
  return conn;
}

static void
refuse (Unproved *item, const char *reason)
{
  g_autoptr (WzpConn) conn = steal_conn (item);

  g_debug ("direct connection without a certificate: %s", reason);
  wzp_conn_close (conn, WZP_CLOSE_REFUSED, reason);
}

static void
answer (Unproved *item)
{
  g_autoptr (WzpEphemeral) ephemeral = wzp_ephemeral_new ();
  g_autoptr (WzpMessage) message = wzp_media_offer_new (
      WZP_MESSAGE_CALL_ANSWER, item->table->identity, ephemeral);
  g_autoptr (GError) error = NULL;

  if (!wzp_channel_send (item->channel, message, &error))
    g_debug ("CallAnswer: %s", error->message);
}

static void
accept_item (Unproved *item)
{
  WzpDirectProof *self = item->table;
  g_autofree char *call_id = g_strdup (item->call_id);
  g_autoptr (WzpConn) conn = NULL;

  answer (item);
  conn = steal_conn (item);
  if (!self->handler->proved (conn, call_id, self->user_data))
    wzp_conn_close (conn, WZP_CLOSE_REFUSED, "Not expected here");
}

static void
on_message (WzpChannel *channel, const WzpMessage *message, gpointer user_data)
{
  Unproved *item = user_data;
  g_autoptr (GError) error = NULL;

  if (message->type == WZP_MESSAGE_UNKNOWN)
    return;
  if (wzp_media_offer_check (
          message, WZP_MESSAGE_CALL_OFFER, item->key, &error))
    accept_item (item);
  else
    refuse (item, error->message);
}

static void
on_malformed (WzpChannel *channel, const GError *error, gpointer user_data)
{
  refuse (user_data, error->message);
}

static const WzpChannelHandler channel_handler = {
  .message = on_message,
  .malformed = on_malformed,
};

static void
on_stream_data (WzpConn *conn, gint64 stream_id, const guint8 *data, gsize len,
    gboolean fin, gpointer user_data)
{
  Unproved *item = user_data;

  wzp_channel_stream_data (item->channel, stream_id, data, len, fin);
}

static void
on_stream_closed (WzpConn *conn, gint64 stream_id, gpointer user_data)
{
  Unproved *item = user_data;

  wzp_channel_stream_closed (item->channel, stream_id);
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  wzp_conn_unref (steal_conn (user_data));
}

static const WzpConnHandler conn_handler = {
  .stream_data = on_stream_data,
  .stream_closed = on_stream_closed,
  .closed = on_closed,
};

WzpDirectProof *
wzp_direct_proof_new (const WzpIdentity *identity,
    const WzpDirectProofHandler *handler, gpointer user_data)
{
  WzpDirectProof *self;

  g_return_val_if_fail (identity != NULL, NULL);
  g_return_val_if_fail (handler != NULL && handler->proved != NULL, NULL);

  self = g_new0 (WzpDirectProof, 1);
  self->identity = identity;
  self->handler = handler;
  self->user_data = user_data;
  for (guint i = 0; i < WZP_DIRECT_PROOF_MAX; i++)
    self->items[i].table = self;
  return self;
}

void
wzp_direct_proof_free (WzpDirectProof *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < WZP_DIRECT_PROOF_MAX; i++) {
    if (self->items[i].conn != NULL)
      refuse (&self->items[i], "The node stops");
  }
  g_free (self);
}

gboolean
wzp_direct_proof_add (WzpDirectProof *self, WzpConn *conn, const char *call_id,
    const guint8 key[WZP_PUBLIC_KEY_LEN], gint64 now_us)
{
  g_return_val_if_fail (self != NULL && conn != NULL, FALSE);
  g_return_val_if_fail (call_id != NULL && key != NULL, FALSE);

  for (guint i = 0; i < WZP_DIRECT_PROOF_MAX; i++) {
    Unproved *item = &self->items[i];

    if (item->conn != NULL)
      continue;
    item->conn = wzp_conn_ref (conn);
    item->channel = wzp_channel_new (conn, &channel_handler, item);
    item->call_id = g_strdup (call_id);
    memcpy (item->key, key, WZP_PUBLIC_KEY_LEN);
    item->deadline_us = now_us + WZP_DIRECT_PROOF_US;
    wzp_conn_set_handler (conn, &conn_handler, item);
    return TRUE;
  }
  return FALSE;
}

void
wzp_direct_proof_expire (WzpDirectProof *self, gint64 now_us)
{
  g_return_if_fail (self != NULL);

  for (guint i = 0; i < WZP_DIRECT_PROOF_MAX; i++) {
    Unproved *item = &self->items[i];

    if (item->conn != NULL && now_us >= item->deadline_us)
      refuse (item, "No CallOffer came in time");
  }
}

gint64
wzp_direct_proof_get_deadline (const WzpDirectProof *self)
{
  gint64 deadline = -1;

  g_return_val_if_fail (self != NULL, -1);

  for (guint i = 0; i < WZP_DIRECT_PROOF_MAX; i++) {
    const Unproved *item = &self->items[i];

    if (item->conn != NULL && (deadline < 0 || item->deadline_us < deadline))
      deadline = item->deadline_us;
  }
  return deadline;
}
