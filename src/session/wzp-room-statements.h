/* wzp-room-statements: what whoever sends in an open room has to say of its
 * flows, and when it says it again, since nobody acknowledges anything there.
 * Pure; time is passed in.
 *
 * The last word on each flow (FLOW_OPEN, then FLOW_EOS) is said every
 * WZP_ROOM_DESCRIBE_US, and to whoever joins; an end, at first,
 * WZP_ROOM_EOS_REPEATS times more in short order. */
#pragma once

#include "wzp-room.h"

G_BEGIN_DECLS

typedef struct _WzpRoomStatements WzpRoomStatements;

/* @say sends one message to everybody. */
WzpRoomStatements *wzp_room_statements_new (
    void (*say) (GBytes *message, gpointer user_data), gpointer user_data);
void wzp_room_statements_free (WzpRoomStatements *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRoomStatements, wzp_room_statements_free)

/* FLOW_OPEN, FLOW_EOS or FLOW_CLOSE: says it; the word before on this flow is
 * forgotten. */
void wzp_room_statements_take (
    WzpRoomStatements *self, const WzpControl *control, gint64 now_us);
/* Says all of them now: somebody has joined. */
void wzp_room_statements_say_all (WzpRoomStatements *self, gint64 now_us);
/* Says what is due. */
void wzp_room_statements_advance (WzpRoomStatements *self, gint64 now_us);
gint64 wzp_room_statements_get_deadline (
    const WzpRoomStatements *self); /* -1: none */
/* Of no flow there is anything to say. */
gboolean wzp_room_statements_is_empty (const WzpRoomStatements *self);
/* An end has not been said as often as it is to be. */
gboolean wzp_room_statements_has_eos (const WzpRoomStatements *self);

G_END_DECLS
