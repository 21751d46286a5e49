/* wzp-abuse: what each case of the abuse suite needs: a relay in a process of
 * its own, a call between two nodes through it that must not notice, attackers,
 * and the table at the end.
 *
 * Attackers come from 127.0.0.2, the call from 127.0.0.1: for the relay's
 * quotas that is two addresses, and nothing leaves the machine. */
#pragma once

#include "relay-test-peer.h"
#include "wzp-channel.h"
#include "wzp-endpoint.h"
#include "wzp-test.h"

G_BEGIN_DECLS

#define ABUSE_ADDRESS "127.0.0.2" /* where attackers are */
#define ABUSE_WAIT_MS 8000u

/* ---- the relay ---- */

typedef struct _AbuseTarget AbuseTarget;

/* @config: text of a configuration file; NULL: none. */
AbuseTarget *abuse_target_new (WzpTest *test, const char *config);
/* Ends it by SIGTERM: it has to end in order. */
void abuse_target_free (AbuseTarget *target);
const char *abuse_target_get_address (const AbuseTarget *target);
const WzpAddr *abuse_target_get_addr (const AbuseTarget *target);
/* Resident memory, bytes. */
gsize abuse_target_get_rss (const AbuseTarget *target);
/* One of its metrics, as it stands behind "wzp_relay_", labels too. -1: this
 * build has none: there is nothing to assert. */
double abuse_target_get_metric (const AbuseTarget *target, const char *name);

/* ---- the call that must not notice ---- */

typedef struct _AbuseCall AbuseCall;

/* Connected, media flows both ways: 50 frames of 160 bytes a second, a
 * voice call of 64 kbit/s. The callee is registered as "cam1". */
AbuseCall *abuse_call_new (WzpTest *test, AbuseTarget *target);
const WzpFingerprint *abuse_call_get_callee (const AbuseCall *call);
/* Ends it, checks that it went on as if nothing had been, and says what it felt
 * (transfer full). */
char *abuse_call_end (AbuseCall *call);

/* ---- a case ---- */

typedef struct {
  WzpTest *test;
  const char *attack;
  AbuseTarget *target;
  AbuseCall *call;
  gsize rss_before;
  guint max_growth_mib; /* of the relay's memory; 0: 32 */
} AbuseCase;

/* @config as above. Relay and call are up. */
void abuse_case_begin (
    AbuseCase *self, WzpTest *test, const char *attack, const char *config);
/* Checks the relay's memory and the call, ends both, and writes the line of
 * the table. @sent, @happened: for people, owned by the caller. */
void abuse_case_end (
    AbuseCase *self, const char *sent, const char *happened);
/* The table of all cases that ended. */
void abuse_print_table (void);

/* ---- attackers ---- */

typedef struct {
  WzpTest *test;
  TestPeer *peer; /* owned: whose certificate is shown */
  WzpEndpoint *endpoint;
  WzpAddr target;
} Attacker;

typedef struct {
  WzpConn *conn;
  WzpChannel *channel;
  GPtrArray *messages; /* of WzpMessage: the first 64 that came, no Pong */
  guint n_messages;    /* all */
  guint n_pongs;
  guint n_datagrams;
  gboolean is_established, is_closed;
  gboolean close_is_application;
  guint64 close_code;
  char *close_reason; /* owned */
} AttackConn;

Attacker *attacker_new (WzpTest *test, const AbuseTarget *target);
void attacker_free (Attacker *self);
/* Does not wait. */
AttackConn *attack_conn_new (Attacker *self, const char *server_name);
void attack_conn_free (AttackConn *conn);
void attack_conn_wait (Attacker *self, AttackConn *conn);
void attack_conn_wait_closed (Attacker *self, AttackConn *conn);
/* FALSE: not now; what is queued has to go first. */
gboolean attack_send_raw (AttackConn *conn, const void *data, gsize len);
gboolean attack_send (AttackConn *conn, const WzpMessage *message);
/* The length in front of it. */
gboolean attack_send_json (AttackConn *conn, const void *json, gsize len);
/* Waits for the next message and takes it (transfer full); it has to be of
 * @type. */
WzpMessage *attack_expect (
    Attacker *self, AttackConn *conn, WzpMessageType type);
/* Registers as @alias (nullable); asserts that it was let. */
void attack_register (Attacker *self, AttackConn *conn, const char *alias);
/* What the ack says; NULL: registered. Transfer full. */
char *attack_try_register (
    Attacker *self, AttackConn *conn, const WzpMessage *message);
/* The relay answers on it: whatever was sent before was taken or refused. */
void attack_ping (Attacker *self, AttackConn *conn);
/* Iterates the test's context for so long. */
void attack_run (Attacker *self, guint ms);
/* While TRUE, streams of this thread's connections never get their FIN. */
void attack_set_endless (gboolean is_endless);

/* The cases. */
void abuse_add_handshakes (void);
void abuse_add_streams (void);
void abuse_add_calls (void);
void abuse_add_media (void);

G_END_DECLS
