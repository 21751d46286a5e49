/* sender-rig: a sender with its flows, and what it says written down. */
#pragma once

#include "flow-test.h"
#include "wzp-sender.h"

G_BEGIN_DECLS

#define SENDER_RIG_FLOWS 4u
#define SENDER_RIG_MTU   1200u /* bytes of a datagram, if not said otherwise */

typedef struct {
  WzpSender *sender;
  WzpSendFlow *flows[SENDER_RIG_FLOWS]; /* owned: "flow0", ... */
  guint n_flows;
  guint n_keys[SENDER_RIG_FLOWS]; /* key frames asked for */
  GQueue control;                 /* of GBytes: messages not looked at yet */
  gint64 now_us;
  guint n_refills;
  gboolean is_dry; /* refill() gives nothing */
} SenderRig;

/* @n flows, connected; none is added to the sender yet. */
void sender_rig_init (SenderRig *rig, guint n);
void sender_rig_clear (SenderRig *rig);
/* Describes each flow and adds it, with its number in the caps. */
void sender_rig_add_all (SenderRig *rig);
void sender_rig_push (SenderRig *rig, guint flow, WzpFrame *frame);
void sender_rig_describe (SenderRig *rig, guint flow, const char *caps);
/* Gives the sender an EOS; returns its serial. Nobody waits for it. */
void sender_rig_eos (SenderRig *rig, guint flow);
/* The next control message; FALSE: none. Clear it. */
gboolean sender_rig_pop_control (SenderRig *rig, WzpControl *ret_control);
/* All control messages not looked at: "open1/1 eos1@5 close2". */
char *sender_rig_spell_control (SenderRig *rig);

/* A datagram, taken apart. */
typedef struct {
  WzpDatagramPrefix prefix;
  WzpMediaHead head;
  gsize len; /* of the payload */
  guint8 bytes[65536];
  gsize size; /* of bytes in all */
} SenderPacket;

/* The next datagram; checks its form. FALSE: nothing to send. */
gboolean sender_rig_next (
    SenderRig *rig, gsize max_size, SenderPacket *ret_packet);
/* Takes datagrams until there are none: "1:0 1:1 2:0", flow and frame number
 * of each start of a frame. */
char *sender_rig_spell_frames (SenderRig *rig);

G_END_DECLS
