/* wzp-relay-dial: from a relay's name to a connection whose certificate is
 * trusted: looks the name up, dials every address at once, keeps the first
 * that comes up and aborts the others. For wzp-signal-client.
 *
 * The endpoint's thread, with the endpoint's context as thread-default. */
#pragma once

#include "wzp-endpoint.h"
#include "wzp-relay-trust.h"

G_BEGIN_DECLS

#define WZP_RELAY_DIAL_MAX_ADDRS 8u

/* By which a relay's certificate is judged. */
typedef struct {
  WzpRelayTrust trust;
  char *host;       /* owned: what known_relays and the CAs call it */
  guint16 port;
  char *known_path; /* owned: known_relays; TOFU */
  guint8 pin[32];   /* SHA-256 of the certificate; PIN */
  gboolean is_loopback; /* TOFU takes it as it is */
} WzpRelayRule;

WzpRelayRule *wzp_relay_rule_copy (const WzpRelayRule *rule);
void wzp_relay_rule_free (WzpRelayRule *rule);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRelayRule, wzp_relay_rule_free)
/* Reads @relay (host[:port]) and with PIN @fingerprint into @rule, whose other
 * members are set. WZP_ERROR_INVALID: either is missing or malformed. */
gboolean wzp_relay_rule_read (WzpRelayRule *rule, const char *relay,
    const char *fingerprint, GError **error);
/* Fills in what says who the server must be. @rule must stay until the
 * handshake is over. */
void wzp_relay_rule_apply (WzpRelayRule *rule, WzpDialOptions *options);

typedef struct _WzpRelayDial WzpRelayDial;

typedef struct {
  /* The name is looked up: the addresses are being dialled. */
  void (*connecting) (WzpRelayDial *dial, gpointer user_data);
  /* The end, once: @conn is the callee's to keep (transfer full) and has no
   * handler; NULL: @error (borrowed) names every address and its reason. May
   * free the dial. */
  void (*done) (WzpRelayDial *dial, WzpConn *conn, const GError *error,
      gpointer user_data);
} WzpRelayDialHandler;

/* Copies @rule, whose host is what is dialled (is_loopback is set by address).
 * Nothing is called from inside this call. */
WzpRelayDial *wzp_relay_dial_new (WzpEndpoint *endpoint,
    const char *server_name, const WzpRelayRule *rule, guint timeout_ms,
    const WzpRelayDialHandler *handler, gpointer user_data);
/* Aborts what is under way; nothing is called after. */
void wzp_relay_dial_free (WzpRelayDial *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRelayDial, wzp_relay_dial_free)

G_END_DECLS
