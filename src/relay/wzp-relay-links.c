#include "wzp-clock.h"
#include "wzp-relay-link-private.h"
#include "wzp-relay-log.h"
#include "wzp-uri.h"

#include <string.h>

#define SHA256_LEN 32u

/* At most so many lines about strangers in so much time, and one about each. */
#define MAX_TOLD     16u
#define TOLD_TIME_US (60 * G_USEC_PER_SEC)

typedef struct {
  guint8 sha256[SHA256_LEN];
  gint64 until_us; /* nothing more of it is logged */
} Told;

/* A peer as it was read. */
typedef struct {
  WzpRelayRule *rule; /* owned */
  char *label;        /* owned, nullable */
} Peer;

struct _WzpRelayLinks {
  WzpRelay *relay;  /* not owned */
  GPtrArray *links; /* of WzpRelayLink, owned */
  Told told[MAX_TOLD];
};

WzpRelayLinks *
wzp_relay_links_new (WzpRelay *relay)
{
  WzpRelayLinks *self = g_new0 (WzpRelayLinks, 1);

  self->relay = relay;
  self->links = g_ptr_array_new ();
  return self;
}

void
wzp_relay_links_free (WzpRelayLinks *self)
{
  if (self == NULL)
    return;

  for (guint i = 0; i < self->links->len; i++)
    wzp_relay_link_free (
        self->links->pdata[i], WZP_CLOSE_SHUTDOWN, "the relay ends");
  g_ptr_array_unref (self->links);
  g_free (self);
}

WzpRelayLink *
wzp_relay_links_find (const WzpRelayLinks *self, const guint8 sha256[32])
{
  for (guint i = 0; i < self->links->len; i++) {
    const guint8 *of_it = wzp_relay_link_get_sha256 (self->links->pdata[i]);

    if (memcmp (of_it, sha256, SHA256_LEN) == 0)
      return self->links->pdata[i];
  }
  return NULL;
}

/* ---- the peers ---- */

static void
free_peer (gpointer data)
{
  Peer *peer = data;

  wzp_relay_rule_free (peer->rule);
  g_free (peer->label);
  g_free (peer);
}

/* It goes to clients in RoomUpdate, and to metrics. */
static gboolean
check_label (const char *label, GError **error)
{
  gsize len = label != NULL ? strlen (label) : 1;

  if (len >= 1 && len <= WZP_MESSAGE_MAX_LABEL &&
      (label == NULL || g_utf8_validate (label, -1, NULL))) {
    const char *c = label != NULL ? label : "";

    while (*c != '\0' && !g_unichar_iscntrl (g_utf8_get_char (c)))
      c = g_utf8_next_char (c);
    if (*c == '\0')
      return TRUE;
  }
  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
      "it is not a name of 1 to %u printable bytes", WZP_MESSAGE_MAX_LABEL);
  return FALSE;
}

static gboolean
read_peer (const WzpRelayLinks *self, const WzpRelayPeer *from, Peer *peer,
    GError **error)
{
  WzpRelayRule *rule = peer->rule;

  if (from->fingerprint == NULL) {
    g_set_error_literal (
        error, WZP_ERROR, WZP_ERROR_INVALID, "it has no fingerprint");
    return FALSE;
  }
  if (!check_label (from->label, error) ||
      !wzp_relay_fingerprint_parse (from->fingerprint, rule->pin, error))
    return FALSE;
  if (from->address != NULL &&
      !wzp_uri_split_host (
          from->address, WZP_RELAY_PORT, &rule->host, &rule->port, error))
    return FALSE;
  peer->label = g_strdup (from->label);
  return TRUE;
}

/* Not this relay itself, and none twice. */
static gboolean
check_fingerprint (const WzpRelayLinks *self, const GPtrArray *before,
    const Peer *peer, GError **error)
{
  g_autofree char *text = wzp_relay_fingerprint_to_string (peer->rule->pin);

  if (strcmp (text, self->relay->fingerprint) == 0) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_INVALID,
        "its fingerprint is that of this relay itself");
    return FALSE;
  }
  for (guint i = 0; i < before->len; i++) {
    const Peer *other = before->pdata[i];

    if (memcmp (other->rule->pin, peer->rule->pin, sizeof peer->rule->pin) ==
        0) {
      g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
          "its fingerprint is that of peer %u too", i + 1);
      return FALSE;
    }
  }
  return TRUE;
}

/* NULL: the error names the bad one. */
static GPtrArray *
read_peers (const WzpRelayLinks *self, const WzpRelayPeer *peers, guint n_peers,
    GError **error)
{
  g_autoptr (GPtrArray) read = g_ptr_array_new_with_free_func (free_peer);

  if (n_peers > WZP_REGISTRY_MAX_LINKS) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "%u peers are too many, there may be %u", n_peers,
        WZP_REGISTRY_MAX_LINKS);
    return NULL;
  }
  for (guint i = 0; i < n_peers; i++) {
    Peer *peer = g_new0 (Peer, 1);
    gboolean ok;

    peer->rule = g_new0 (WzpRelayRule, 1);
    peer->rule->trust = WZP_RELAY_TRUST_PIN;
    ok = read_peer (self, &peers[i], peer, error) &&
        check_fingerprint (self, read, peer, error);
    g_ptr_array_add (read, peer);
    if (!ok) {
      if (peers[i].label != NULL)
        g_prefix_error (error, "peer %u, \"%.100s\": ", i + 1, peers[i].label);
      else
        g_prefix_error (error, "peer %u: ", i + 1);
      return NULL;
    }
  }
  return g_steal_pointer (&read);
}

static gboolean
is_among (const GPtrArray *peers, const guint8 *sha256)
{
  for (guint i = 0; i < peers->len; i++) {
    const Peer *peer = peers->pdata[i];

    if (memcmp (peer->rule->pin, sha256, sizeof peer->rule->pin) == 0)
      return TRUE;
  }
  return FALSE;
}

gboolean
wzp_relay_links_set_peers (WzpRelayLinks *self, const WzpRelayPeer *peers,
    guint n_peers, GError **error)
{
  g_autoptr (GPtrArray) read = read_peers (self, peers, n_peers, error);

  if (read == NULL)
    return FALSE;
  for (guint i = self->links->len; i-- > 0;) {
    WzpRelayLink *link = self->links->pdata[i];

    if (is_among (read, wzp_relay_link_get_sha256 (link)))
      continue;
    g_ptr_array_remove_index (self->links, i);
    wzp_relay_link_free (link, WZP_CLOSE_REFUSED, WZP_RELAY_LINK_NOT_A_PEER);
    /* Its calls may have something to tell: pumped from the main loop. */
    g_source_set_ready_time (self->relay->timer, 0);
  }
  for (guint i = 0; i < read->len; i++) {
    const Peer *peer = read->pdata[i];
    WzpRelayLink *link = wzp_relay_links_find (self, peer->rule->pin);

    if (link != NULL)
      wzp_relay_link_set_rule (link, peer->rule, peer->label);
    else
      g_ptr_array_add (self->links,
          wzp_relay_link_new (self->relay, peer->rule, peer->label));
  }
  return TRUE;
}

/* ---- those that come in ---- */

/* Whether something may be logged of @sha256 now. */
static gboolean
may_tell (WzpRelayLinks *self, const guint8 *sha256)
{
  gint64 now_us = wzp_clock_now_us ();
  Told *free_one = NULL;

  for (guint i = 0; i < MAX_TOLD; i++) {
    if (self->told[i].until_us <= now_us)
      free_one = &self->told[i];
    else if (memcmp (self->told[i].sha256, sha256, SHA256_LEN) == 0)
      return FALSE;
  }
  if (free_one == NULL)
    return FALSE;
  memcpy (free_one->sha256, sha256, SHA256_LEN);
  free_one->until_us = now_us + TOLD_TIME_US;
  return TRUE;
}

static void
tell_stranger (WzpRelayLinks *self, WzpConn *conn, const guint8 *sha256)
{
  g_autofree char *fingerprint = NULL;
  g_autofree char *peer = NULL;
  g_autofree char *text = NULL;
  char addr[WZP_ADDR_MAX_STRLEN];

  if (!may_tell (self, sha256))
    return;
  fingerprint = wzp_relay_fingerprint_to_string (sha256);
  peer = wzp_relay_link_format_peer (fingerprint);
  text = g_strdup_printf (
      "a relay at %s that is not a peer here wants a link. To take it, add to "
      "the configuration file:\n%s",
      wzp_addr_to_string (wzp_conn_get_remote (conn), addr), peer);
  wzp_relay_log_lines (
      WZP_LOG_NOTICE, WZP_ABOUT (.addr = wzp_conn_get_remote (conn)), text);
}

gboolean
wzp_relay_links_accept (WzpRelayLinks *self, WzpConn *conn)
{
  const guint8 *sha256 = wzp_conn_get_peer_cert_sha256 (conn);
  WzpRelayLink *link =
      sha256 != NULL ? wzp_relay_links_find (self, sha256) : NULL;

  if (link == NULL) {
    if (sha256 != NULL)
      tell_stranger (self, conn, sha256);
    wzp_relay_refuse (
        self->relay, conn, WZP_CLOSE_REFUSED, WZP_RELAY_LINK_NOT_A_PEER);
    return FALSE;
  }
  wzp_relay_link_accept (link, conn);
  return TRUE;
}

void
wzp_relay_links_get_stats (const WzpRelayLinks *self, WzpRelayStats *ret_stats)
{
  ret_stats->n_links = self->links->len;
  for (guint i = 0; i < self->links->len; i++)
    wzp_relay_link_get_stats (self->links->pdata[i], &ret_stats->links[i]);
}
