/* Peers and sides of a race over loopback, for the runner's tests: real
 * endpoints and connections, on ports that the kernel chooses. */
#pragma once

#include "wzp-race-runner.h"
#include "wzp-test.h"

#define CALL_ID "0123abcd"
#define WAIT_MS 8000u
#define MS      G_GINT64_CONSTANT (1000)

/* One endpoint with its identity, and what it saw. */
typedef struct {
  WzpIdentity *identity; /* owned */
  WzpEndpoint *endpoint; /* owned */
  WzpRaceRunner *runner; /* borrowed: accepted connections are offered to it */
  gboolean refuses;
  GPtrArray *accepted; /* of WzpConn, owned: where there is no runner */
  guint n_offered, n_taken;
} Peer;

/* A runner and what it told. */
typedef struct {
  WzpRaceRunner *runner;  /* owned */
  Peer *peer;             /* borrowed: its endpoint dials */
  Peer *relay;            /* borrowed; NULL: dial_relay() fails, unless ... */
  WzpAddr silent_relay;   /* ... this is set: it never answers */
  WzpConn *relay_dialled; /* owned: what dial_relay() returned */
  GString *told;          /* owned */
  WzpConn *direct, *relay_conn; /* owned */
  char *error;                  /* owned */
  const char *free_at;          /* what it is freed in */
  guint n_changed;
} Side;

/* @identity: NULL: a new one. */
Peer *peer_new (WzpTest *test, WzpIdentity *identity);
void peer_free (Peer *peer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Peer, peer_free)

WzpAddr loopback (guint16 port);
WzpAddr peer_addr (const Peer *peer);
/* Nothing answers there: bound, and never read. */
WzpAddr silent_addr (GSocket **ret_socket);
/* Nobody is there. */
WzpAddr closed_addr (void);

/* With times that a slow machine keeps. */
WzpRaceRunnerConfig config_for (
    WzpTest *test, WzpRole role, const Peer *other);
void side_start (Side *side, Peer *peer, Peer *relay,
    const WzpRaceRunnerConfig *config, const WzpCandidateList *candidates);
void side_clear (Side *side);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Side, side_clear)

void add (WzpCandidateList *list, WzpAddr addr);
WzpDialState dial_state (const Side *side, guint index);

#define assert_told(side, expected)                                            \
  wzp_test_assert_until (                                                      \
      test, g_strcmp0 ((side)->told->str, (expected)) == 0, WAIT_MS)
