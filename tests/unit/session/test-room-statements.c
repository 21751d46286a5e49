#include "wzp-room-statements.h"

/* What was said, in short: "o1" FLOW_OPEN of flow 1, "e1" its end, "c1"
 * FLOW_CLOSE. */
static void
on_say (GBytes *message, gpointer user_data)
{
  GString *said = user_data;
  g_auto (WzpControl) control = { 0 };

  g_assert_true (wzp_control_parse (g_bytes_get_data (message, NULL),
      g_bytes_get_size (message), &control, NULL));
  g_string_append_printf (said, "%s%c%u", said->len > 0 ? " " : "",
      control.type == WZP_CONTROL_FLOW_OPEN      ? 'o'
          : control.type == WZP_CONTROL_FLOW_EOS ? 'e'
                                                 : 'c',
      control.flow);
}

static void
assert_said (GString *said, const char *wanted)
{
  g_assert_cmpstr (said->str, ==, wanted);
  g_string_truncate (said, 0);
}

static void
take (WzpRoomStatements *self, WzpControlType type, guint32 flow, gint64 now_us)
{
  WzpControl control = { .type = type,
    .flow = flow,
    .generation = 1,
    .name = (char *) "a",
    .caps = (char *) "b" };

  wzp_room_statements_take (self, &control, now_us);
}

static void
test_open (void)
{
  g_autoptr (GString) said = g_string_new (NULL);
  g_autoptr (WzpRoomStatements) self = wzp_room_statements_new (on_say, said);

  g_assert_cmpint (wzp_room_statements_get_deadline (self), ==, -1);
  wzp_room_statements_say_all (self, 0);
  assert_said (said, "");
  g_assert_true (wzp_room_statements_is_empty (self));

  take (self, WZP_CONTROL_FLOW_OPEN, 1, 0);
  take (self, WZP_CONTROL_FLOW_OPEN, 2, 1000);
  assert_said (said, "o1 o2");
  g_assert_cmpint (
      wzp_room_statements_get_deadline (self), ==, WZP_ROOM_DESCRIBE_US);
  wzp_room_statements_advance (self, WZP_ROOM_DESCRIBE_US - 1);
  assert_said (said, "");
  wzp_room_statements_advance (self, WZP_ROOM_DESCRIBE_US);
  assert_said (said, "o1 o2");

  /* Somebody joined: the next time is counted from then. */
  wzp_room_statements_say_all (self, 3 * G_USEC_PER_SEC);
  assert_said (said, "o1 o2");
  g_assert_cmpint (wzp_room_statements_get_deadline (self), ==,
      3 * G_USEC_PER_SEC + WZP_ROOM_DESCRIBE_US);

  /* Described anew: said once, not twice. */
  take (self, WZP_CONTROL_FLOW_OPEN, 1, 3 * G_USEC_PER_SEC);
  assert_said (said, "o1");
  wzp_room_statements_say_all (self, 3 * G_USEC_PER_SEC);
  assert_said (said, "o2 o1");
  take (self, WZP_CONTROL_FLOW_CLOSE, 2, 4 * G_USEC_PER_SEC);
  assert_said (said, "c2");
  wzp_room_statements_say_all (self, 4 * G_USEC_PER_SEC);
  assert_said (said, "o1");
}

/* An end is repeated soon, as often as it says, then with all the others. */
static void
test_eos (void)
{
  g_autoptr (GString) said = g_string_new (NULL);
  g_autoptr (WzpRoomStatements) self = wzp_room_statements_new (on_say, said);
  gint64 now_us = 0;

  take (self, WZP_CONTROL_FLOW_OPEN, 1, now_us);
  take (self, WZP_CONTROL_FLOW_OPEN, 2, now_us);
  assert_said (said, "o1 o2");
  g_assert_false (wzp_room_statements_has_eos (self));
  take (self, WZP_CONTROL_FLOW_EOS, 1, now_us);
  assert_said (said, "e1");
  for (guint i = 0; i < WZP_ROOM_EOS_REPEATS; i++) {
    g_assert_true (wzp_room_statements_has_eos (self));
    now_us += WZP_ROOM_EOS_REPEAT_US;
    g_assert_cmpint (wzp_room_statements_get_deadline (self), ==, now_us);
    wzp_room_statements_advance (self, now_us);
    assert_said (said, "e1");
  }
  g_assert_false (wzp_room_statements_has_eos (self));
  g_assert_cmpint (
      wzp_room_statements_get_deadline (self), ==, WZP_ROOM_DESCRIBE_US);
  wzp_room_statements_advance (self, WZP_ROOM_DESCRIBE_US);
  assert_said (said, "o2 e1");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/room-statements/open", test_open);
  g_test_add_func ("/room-statements/eos", test_eos);
  return g_test_run ();
}
