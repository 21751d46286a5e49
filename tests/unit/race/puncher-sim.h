/* puncher-sim: two punchers, each behind a NAT of some kind, a relay, and the
 * way between them, all in one queue of events. */
#pragma once

#include "wzp-puncher.h"

G_BEGIN_DECLS

typedef enum {
  SIM_INDEPENDENT,
  SIM_BY_ADDRESS,
  SIM_BY_PORT,
} SimRule; /* RFC 4787's terms, of mapping and of filtering */

typedef struct {
  const char *name;
  gboolean is_open; /* no NAT, no firewall */
  SimRule mapping, filtering;
  /* It takes what comes unasked to itself, and the port is used up for that
   * peer. */
  gboolean is_poisonable;
} SimNat;

typedef struct {
  SimNat nats[2];
  gint64 start_us[2]; /* when each hears of the call */
  gint64 leg_us[2];   /* to the relay, one way */
  gint64 direct_us;   /* one way */
  double loss;        /* of packets between the NATs */
  gboolean has_relay;
  WzpRole first_role; /* of side 0 */
  gint64 until_us;
  guint32 seed;
} SimScene;

typedef struct {
  gint64 direct_us[2]; /* when each had a direct connection; -1: never */
  WzpPuncherStats stats[2];
  guint dials;
} SimResult;

extern const SimNat sim_open, sim_full_cone, sim_restricted, sim_home, sim_bad,
    sim_address, sim_symmetric;

void sim_run (const SimScene *scene, SimResult *ret_result);

G_END_DECLS
