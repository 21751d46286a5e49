/* wzp-signal-client: the client's side of signalling: one connection to a
 * relay, registered, its reflexive address known; calls are messages through
 * it.
 *
 *   IDLE -> RESOLVING -> CONNECTING -> REGISTERING -> READY -> (failed) IDLE
 *
 * It does not retry: failed() ends it, start() begins anew. The endpoint's
 * thread, with the endpoint's context as thread-default.
 *
 * Messages are streams of their own and may overtake each other on a lossy
 * path: a CallSetup may come before the answer that it belongs to. */
#pragma once

#include "wzp-endpoint.h"
#include "wzp-message.h"
#include "wzp-relay-dial.h"

G_BEGIN_DECLS

#define WZP_SIGNAL_TIMEOUT_MS         10000u /* from start() to READY */
#define WZP_SIGNAL_REFLECT_TIMEOUT_MS 2000u  /* READY without an answer then */
#define WZP_SIGNAL_CHECK_TIMEOUT_MS   2000u /* a silent relay is gone then */
#define WZP_SIGNAL_RESOLVE_TIMEOUT_MS 5000u /* ResolveAlias to AliasResolved */
#define WZP_SIGNAL_MAX_RESOLVES       16u /* under way at once */
#define WZP_SIGNAL_MAX_EARLY          32u /* messages held until READY */
#define WZP_SIGNAL_MAX_OTHER_RELAYS   16u /* dialled for rooms */

typedef struct _WzpSignalClient WzpSignalClient;

typedef struct {
  const char *relay; /* host[:port], required */
  WzpRelayTrust trust;
  const char *relay_fingerprint; /* PIN */
  const char *known_relays_path; /* NULL: default; tofu */
  const char *alias;             /* nullable: name to register */
  const char *token;             /* nullable: AuthToken */
  guint timeout_ms;              /* 0: default */
} WzpSignalConfig;

/* Each callback may be NULL, and each may free the client. */
typedef struct {
  /* "name-lookup", "connect", "register": a step began. */
  void (*progress) (
      WzpSignalClient *client, const char *step, gpointer user_data);
  /* READY: registered, Reflect answered. */
  void (*ready) (WzpSignalClient *client, gpointer user_data);
  /* Offer, ringing, answer, setup, hang-up, candidate update, path report.
   * Never before ready(): what comes early is held back until then. */
  void (*message) (WzpSignalClient *client, const WzpMessage *message,
      gpointer user_data);
  /* After wzp_signal_client_check(): the relay sees us elsewhere than before. */
  void (*reflexive_changed) (WzpSignalClient *client, gpointer user_data);
  void (*warning) (
      WzpSignalClient *client, const char *text, gpointer user_data);
  /* The connection could not be made, or was lost; it is IDLE again. From
   * WZP_ERROR: INVALID (the configuration), UNREACHABLE, TIMED_OUT, IDENTITY
   * (relay-trust), REJECTED (the relay refused to register us), BUSY (it did
   * because the alias is taken), CLOSED, PROTOCOL; or G_RESOLVER_ERROR,
   * G_FILE_ERROR (known_relays). */
  void (*failed) (
      WzpSignalClient *client, const GError *error, gpointer user_data);
} WzpSignalHandler;

/* Copies @config. @endpoint must outlive it. */
WzpSignalClient *wzp_signal_client_new (WzpEndpoint *endpoint,
    WzpIdentity *identity, const WzpSignalConfig *config,
    const WzpSignalHandler *handler, gpointer user_data);
/* Closes the connection in order; resolves under way end with CLOSED before
 * this returns. Safe inside a callback. */
void wzp_signal_client_free (WzpSignalClient *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpSignalClient, wzp_signal_client_free)

/* Problems are told by failed(), never from inside this call. */
void wzp_signal_client_start (WzpSignalClient *self);
gboolean wzp_signal_client_is_ready (const WzpSignalClient *self);
/* What the relay sees, "a.b.c.d:p" or "[v6]:p"; NULL until READY, or when it
 * did not answer. */
const char *wzp_signal_client_get_reflexive (const WzpSignalClient *self);
/* The relay's address in use, or last in use; NULL before it is connected. */
const WzpAddr *wzp_signal_client_get_relay_addr (const WzpSignalClient *self);
/* Another UDP port at which the relay says where it sees us; 0: none told. */
guint16 wzp_signal_client_get_second_port (const WzpSignalClient *self);
/* Dials that port, for signalling, with the certificate that the first one
 * showed. Else as wzp_signal_client_dial_room(). */
WzpConn *wzp_signal_client_dial_second_port (WzpSignalClient *self,
    guint timeout_ms, const WzpConnHandler *handler, gpointer user_data,
    GError **error);
/* Dials the relay from another endpoint, whose thread is the same: at that port
 * if there is one, where less is expected of who comes. @self may not be freed
 * before that handshake is over. WZP_ERROR_CLOSED when not READY. */
WzpConn *wzp_signal_client_dial_from (WzpSignalClient *self,
    WzpEndpoint *endpoint, guint timeout_ms, const WzpConnHandler *handler,
    gpointer user_data, GError **error);
/* Asks the relay again what it sees, and whether it is there: where the
 * question is not even acknowledged and nothing comes of the relay for
 * WZP_SIGNAL_CHECK_TIMEOUT_MS, failed() tells TIMED_OUT.
 * For when the network is another one, and now and then for a router that
 * forgets. Nothing when not READY; nothing is called from inside it. */
void wzp_signal_client_check (WzpSignalClient *self);
/* WZP_ERROR_CLOSED when not READY. */
gboolean wzp_signal_client_send (
    WzpSignalClient *self, const WzpMessage *message, GError **error);

/* @fingerprint NULL: @error says why (NOT_FOUND, TIMED_OUT, CLOSED, INVALID for
 * what cannot be an alias, BUSY over WZP_SIGNAL_MAX_RESOLVES). Called exactly
 * once, never from inside wzp_signal_client_resolve(), never after
 * wzp_signal_client_free(). */
typedef void (*WzpResolveFunc) (WzpSignalClient *client,
    const WzpFingerprint *fingerprint, const GError *error,
    gpointer user_data);
void wzp_signal_client_resolve (WzpSignalClient *self, const char *alias,
    WzpResolveFunc func, gpointer user_data);

/* Dials a media room of the same relay: same address (or @relay_addr, when the
 * CallSetup named another relay: nullable), and for the same address the
 * certificate that signalling proved; another relay is judged by relay-trust,
 * and its address is refused where a peer's candidate would be. Works as long
 * as the relay was connected once, READY or not. @self must outlive the
 * connection's handshake. WZP_ERROR_CLOSED, _INVALID, _TOO_LARGE,
 * _UNREACHABLE. */
WzpConn *wzp_signal_client_dial_room (WzpSignalClient *self,
    const char *server_name, const WzpAddr *relay_addr, guint timeout_ms,
    const WzpConnHandler *handler, gpointer user_data, GError **error);

G_END_DECLS
