/* wzp-punch-budget: how many packets and dials punching may cost; whatever a
 * peer lists, sends or asks for, no more leaves than this. Pure; a part of
 * wzp-puncher. */
#pragma once

#include "wzp-addr.h"

G_BEGIN_DECLS

#define WZP_PUNCH_BURST_US (5 * G_USEC_PER_SEC)
/* Packets of any kind: in a burst; outside of one in any minute; and to one IP
 * address, whatever the port, in any minute, burst or not. */
#define WZP_PUNCH_MAX_BURST      120u
#define WZP_PUNCH_MAX_A_MINUTE   60u
#define WZP_PUNCH_MAX_TO_ADDRESS 60u
/* Dials in any minute; and of one IP address, whatever the port. */
#define WZP_PUNCH_MAX_DIALS            32u
#define WZP_PUNCH_MAX_DIALS_TO_ADDRESS 8u
/* Bursts begin no more often than this. */
#define WZP_PUNCH_NEW_BURST_US (30 * G_USEC_PER_SEC)

/* Room for all that a minute can have: three bursts begin in one at most. */
#define WZP_PUNCH_LOG_SIZE                                                    \
  (3u * WZP_PUNCH_MAX_BURST + WZP_PUNCH_MAX_A_MINUTE + WZP_PUNCH_MAX_DIALS)

typedef struct {
  gint64 at_us;
  WzpAddr to;
  gboolean in_burst, is_dial;
} WzpPunchEntry;

typedef struct {
  WzpPunchEntry log[WZP_PUNCH_LOG_SIZE]; /* a ring */
  guint len, next;
  gint64 burst_us; /* when the last burst began */
  guint burst_sent;
} WzpPunchBudget;

/* Begins with a burst. */
void wzp_punch_budget_init (WzpPunchBudget *self, gint64 now_us);
/* Another burst, if the last one began long enough ago. */
void wzp_punch_budget_renew (WzpPunchBudget *self, gint64 now_us);
/* TRUE: one packet to @to may leave, and is counted. */
gboolean wzp_punch_budget_take_packet (
    WzpPunchBudget *self, const WzpAddr *to, gint64 now_us);
/* The same for a dial. */
gboolean wzp_punch_budget_take_dial (
    WzpPunchBudget *self, const WzpAddr *to, gint64 now_us);

G_END_DECLS
