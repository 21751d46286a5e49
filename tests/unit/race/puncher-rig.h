/* puncher-rig: one puncher, and what it had to do written down. */
#pragma once

#include "wzp-puncher.h"
#include "wzp-test.h"

G_BEGIN_DECLS

#define T0  ((gint64) 1000000000) /* a start that is not 0 */
#define MS  ((gint64) 1000)
#define SEC ((gint64) G_USEC_PER_SEC)

#define HOST_TEXT "192.168.1.7:4000"
#define FAR_TEXT  "203.0.113.7:4000"

typedef struct {
  gint64 at_us;
  WzpPuncherAction action;
} Done;

typedef struct {
  WzpPuncher *puncher; /* owned */
  GArray *done;        /* of Done, owned */
  gint64 now_us;
} Rig;

WzpAddr rig_addr (const char *text);
void rig_add_candidate (WzpCandidateList *list, const char *text);
/* Started at T0. */
Rig rig_new (WzpRole role, const WzpCandidateList *list);
Rig rig_for (WzpRole role, const char *text);
void rig_clear (Rig *rig);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Rig, rig_clear)

/* Up to @until_us after T0, awake at deadlines only. */
void rig_run (Rig *rig, gint64 until_us);
/* A punch of the Acceptor's comes. */
gboolean rig_hear (
    Rig *rig, WzpPunchKind kind, guint32 number, const char *from);
void rig_hear_by (
    Rig *rig, guint32 number, const char *from, gboolean is_fresh);
guint rig_count (const Rig *rig, WzpPuncherActionType type);
void rig_assert_punched (const Rig *rig, const char *to);

/* "3@0 4@5 p@175": TTL or what it is, and when, in milliseconds; f: by the
 * fresh socket. */
char *rig_describe (const Rig *rig, const char *to);
#define rig_assert_done(rig, to, expected)                                         \
  G_STMT_START                                                                 \
  {                                                                            \
    g_autofree char *_got = rig_describe ((rig), (to));                            \
    g_assert_cmpstr (_got, ==, (expected));                                    \
    g_array_set_size ((rig)->done, 0);                                         \
  }                                                                            \
  G_STMT_END

G_END_DECLS
