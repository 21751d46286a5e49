/* receiver-rig: a receiver that is fed by hand, and who takes its flows. */
#pragma once

#include "flow-test.h"
#include "wzp-packetizer.h"
#include "wzp-receiver.h"

G_BEGIN_DECLS

#define RECEIVER_RIG_TARGETS 4u

typedef struct {
  WzpReceiver *receiver;
  gint64 now_us;
  guint64 number; /* of the next datagram */
  WzpPacketizer *packetizers[WZP_FLOW_ID_MAX + 1]; /* owned, made when used */

  struct {
    WzpRecvFlow *flow; /* owned; NULL: none */
    gboolean is_claimed;
  } targets[RECEIVER_RIG_TARGETS];

  GString *control; /* "key1 key2": what was sent */
  gboolean end_at_control; /* the call ends as soon as something is said */
} ReceiverRig;

void receiver_rig_init (ReceiverRig *rig);
void receiver_rig_clear (ReceiverRig *rig);
/* Somebody who takes flows of @name (NULL: any); the receiver is not told. */
WzpRecvFlow *receiver_rig_add_target (ReceiverRig *rig, const char *name);

/* FLOW_OPEN with caps "caps/generation". */
void receiver_rig_open (
    ReceiverRig *rig, guint32 flow, guint32 generation, const char *name);
void receiver_rig_eos (ReceiverRig *rig, guint32 flow, guint64 frame);
void receiver_rig_close (ReceiverRig *rig, guint32 flow);

/* A frame of @size bytes; one whose number is used up and nothing comes. */
void receiver_rig_send (
    ReceiverRig *rig, guint32 flow, guint32 generation, gsize size);
void receiver_rig_lose (ReceiverRig *rig, guint32 flow);
/* The first @n datagrams of a frame only. */
void receiver_rig_send_part (ReceiverRig *rig, guint32 flow,
    guint32 generation, gsize size, guint n);
/* A whole datagram. */
void receiver_rig_feed_bytes (
    ReceiverRig *rig, const guint8 *bytes, gsize len);
/* Lets time pass and tells the receiver. */
void receiver_rig_pass (ReceiverRig *rig, gint64 us);
void receiver_rig_assert_control (ReceiverRig *rig, const char *expected);

G_END_DECLS
