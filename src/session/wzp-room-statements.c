#include "wzp-room-statements.h"

typedef struct {
  guint32 flow;
  GBytes *message; /* owned */
  guint repeats;   /* of an end: left */
} Statement;

struct _WzpRoomStatements {
  void (*say) (GBytes *message, gpointer user_data);
  gpointer user_data;
  GPtrArray *statements; /* of Statement, owned; one for each flow */
  gint64 say_all_us;
  gint64 repeat_us; /* -1: no end is repeated */
};

static void
statement_free (gpointer data)
{
  Statement *statement = data;

  g_bytes_unref (statement->message);
  g_free (statement);
}

WzpRoomStatements *
wzp_room_statements_new (
    void (*say) (GBytes *message, gpointer user_data), gpointer user_data)
{
  WzpRoomStatements *self = g_new0 (WzpRoomStatements, 1);

  self->say = say;
  self->user_data = user_data;
  self->statements = g_ptr_array_new_with_free_func (statement_free);
  self->repeat_us = -1;
  return self;
}

void
wzp_room_statements_free (WzpRoomStatements *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->statements);
  g_free (self);
}

static void
forget_flow (WzpRoomStatements *self, guint32 flow)
{
  for (guint i = 0; i < self->statements->len; i++) {
    const Statement *statement = self->statements->pdata[i];

    if (statement->flow == flow) {
      g_ptr_array_remove_index (self->statements, i);
      return;
    }
  }
}

void
wzp_room_statements_take (
    WzpRoomStatements *self, const WzpControl *control, gint64 now_us)
{
  g_autoptr (GBytes) message = wzp_control_write (control, NULL);
  gboolean is_eos = control->type == WZP_CONTROL_FLOW_EOS;
  Statement *statement;

  /* What is too large was refused when the flow was described. */
  if (message == NULL)
    return;
  self->say (message, self->user_data);
  if (self->statements->len == 0)
    self->say_all_us = now_us + WZP_ROOM_DESCRIBE_US;
  forget_flow (self, control->flow);
  if (control->type == WZP_CONTROL_FLOW_CLOSE)
    return;
  statement = g_new0 (Statement, 1);
  statement->flow = control->flow;
  statement->message = g_steal_pointer (&message);
  statement->repeats = is_eos ? WZP_ROOM_EOS_REPEATS : 0;
  g_ptr_array_add (self->statements, statement);
  if (is_eos)
    self->repeat_us = now_us + WZP_ROOM_EOS_REPEAT_US;
}

void
wzp_room_statements_say_all (WzpRoomStatements *self, gint64 now_us)
{
  for (guint i = 0; i < self->statements->len; i++) {
    const Statement *statement = self->statements->pdata[i];

    self->say (statement->message, self->user_data);
  }
  self->say_all_us = now_us + WZP_ROOM_DESCRIBE_US;
}

static void
repeat_ends (WzpRoomStatements *self, gint64 now_us)
{
  self->repeat_us = -1;
  for (guint i = 0; i < self->statements->len; i++) {
    Statement *statement = self->statements->pdata[i];

    if (statement->repeats == 0)
      continue;
    self->say (statement->message, self->user_data);
    if (--statement->repeats > 0)
      self->repeat_us = now_us + WZP_ROOM_EOS_REPEAT_US;
  }
}

void
wzp_room_statements_advance (WzpRoomStatements *self, gint64 now_us)
{
  if (self->repeat_us >= 0 && now_us >= self->repeat_us)
    repeat_ends (self, now_us);
  if (self->statements->len > 0 && now_us >= self->say_all_us)
    wzp_room_statements_say_all (self, now_us);
}

gint64
wzp_room_statements_get_deadline (const WzpRoomStatements *self)
{
  if (self->statements->len == 0)
    return -1;
  return self->repeat_us >= 0 ? MIN (self->repeat_us, self->say_all_us)
                              : self->say_all_us;
}

gboolean
wzp_room_statements_is_empty (const WzpRoomStatements *self)
{
  return self->statements->len == 0;
}

gboolean
wzp_room_statements_has_eos (const WzpRoomStatements *self)
{
  return self->repeat_us >= 0;
}
