/* nominate-rig: one side of the nomination, what it is told and what it has to
 * do written down. */
#pragma once

#include "wzp-nominate.h"

#include <glib.h>

G_BEGIN_DECLS

#define T0     ((gint64) 5000000000)
#define MS     ((gint64) 1000)
#define SEC    ((gint64) G_USEC_PER_SEC)
#define RELAY  WZP_PATH_RELAY
#define DIRECT WZP_PATH_DIRECT

/* All that is to do at @now as text; PROBEs are "probe:relay" ("PROBE:relay"
 * when padded). @ret_seq (nullable): of the last PROBE. */
char *nominate_rig_drain (
    WzpNominate *nominate, gint64 now, guint64 *ret_seq);
/* The same without the probes and SUSPECT, which have their own tests. */
char *nominate_rig_drain_decisions (
    WzpNominate *nominate, gint64 now, gboolean with_suspect);

/* PROBE and PROBE_ACK, of @len bytes, on the path that they name. */
void nominate_rig_receive (WzpNominate *nominate, WzpControlType type,
    WzpPath path, guint64 seq, gsize len, gint64 now);
void nominate_rig_receive_nominate (
    WzpNominate *nominate, guint64 epoch, guint64 n, WzpPath path, gint64 now);
void nominate_rig_receive_ack (
    WzpNominate *nominate, guint64 epoch, guint64 n, gint64 now);
void nominate_rig_receive_suspect (
    WzpNominate *nominate, WzpPath path, gint64 now);
/* With an RTT of 40 ms and a PTO of 70 ms. */
void nominate_rig_sample (
    WzpNominate *nominate, WzpPath path, gint64 unacked, gint64 now);
/* Proves @path at @now by a probe that was sent before. */
void nominate_rig_prove (
    WzpNominate *nominate, WzpPath path, guint64 seq, gint64 now);

/* A Dialer on the relay, acknowledged, direct up since T0 and not proved;
 * @ret_seq: a PROBE on direct that can be answered. */
WzpNominate *nominate_rig_dialer_on_relay (guint64 *ret_seq);
/* The same that went to direct, acknowledged; it is T0 + SEC. */
WzpNominate *nominate_rig_dialer_on_direct (void);

#define assert_actions(nominate, now, expected)                                \
  G_STMT_START                                                                 \
  {                                                                            \
    g_autofree char *_got = nominate_rig_drain ((nominate), (now), NULL);      \
    g_assert_cmpstr (_got, ==, (expected));                                    \
  }                                                                            \
  G_STMT_END

#define assert_decisions(nominate, now, expected)                              \
  G_STMT_START                                                                 \
  {                                                                            \
    g_autofree char *_got =                                                    \
        nominate_rig_drain_decisions ((nominate), (now), FALSE);               \
    g_assert_cmpstr (_got, ==, (expected));                                    \
  }                                                                            \
  G_STMT_END

#define assert_with_suspect(nominate, now, expected)                           \
  G_STMT_START                                                                 \
  {                                                                            \
    g_autofree char *_got =                                                    \
        nominate_rig_drain_decisions ((nominate), (now), TRUE);                \
    g_assert_cmpstr (_got, ==, (expected));                                    \
  }                                                                            \
  G_STMT_END

#define assert_paths(nominate, path, duplicate)                                \
  G_STMT_START                                                                 \
  {                                                                            \
    g_assert_cmpint (wzp_nominate_get_path (nominate), ==, (path));            \
    g_assert_cmpint (wzp_nominate_get_duplicate (nominate), ==, (duplicate));  \
  }                                                                            \
  G_STMT_END

G_END_DECLS
