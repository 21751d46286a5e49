/* race-rig: a race with candidates, and what it has to do written down. */
#pragma once

#include "wzp-race.h"

#include <glib.h>

G_BEGIN_DECLS

#define T0  ((gint64) 1000000000) /* a start that is not 0 */
#define MS  ((gint64) 1000)
#define SEC ((gint64) G_USEC_PER_SEC)

/* 10.0.0.(@n + 1), port 4000 + @n. */
WzpCandidate race_rig_candidate (guint n);
/* The first @n of them. */
WzpCandidateList race_rig_candidates (guint n);
/* The defaults, in this role. */
WzpRaceConfig race_rig_config_for (WzpRole role);
/* A race with @n candidates, started at T0. */
WzpRace *race_rig_start_with (const WzpRaceConfig *config, guint n);
WzpRace *race_rig_start (WzpRole role, guint n);
/* All that is to do at @now as text: "won:direct:0 abort:1". */
char *race_rig_drain (WzpRace *race, gint64 now);

#define assert_actions(race, now, expected)                                    \
  G_STMT_START                                                                 \
  {                                                                            \
    g_autofree char *_got = race_rig_drain ((race), (now));                    \
    g_assert_cmpstr (_got, ==, (expected));                                    \
  }                                                                            \
  G_STMT_END

G_END_DECLS
