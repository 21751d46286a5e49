#include "wzp-rooms.h"
#include "wzp-test.h"

#include <string.h>

static WzpFingerprint
fp (guint index)
{
  WzpFingerprint result = { { 0 } };

  memcpy (result.bytes, &index, sizeof index);
  return result;
}

static WzpRoomMember *
join (WzpRooms *rooms, const char *call_id, guint who, gpointer owner,
    gpointer *ret_replaced)
{
  WzpFingerprint id = fp (who);

  return wzp_rooms_join (rooms, call_id, &id, owner, ret_replaced, NULL);
}

static void
test_pair (void)
{
  g_autoptr (WzpRooms) rooms = wzp_rooms_new (0);
  WzpRoomMember *a, *b;
  gpointer replaced;
  int owners[2];

  a = join (rooms, "c1", 1, &owners[0], &replaced);
  g_assert_null (replaced);
  g_assert_null (wzp_room_member_get_other (a));
  b = join (rooms, "c1", 2, &owners[1], &replaced);
  g_assert_null (replaced);
  g_assert_true (wzp_room_member_get_other (a) == &owners[1]);
  g_assert_true (wzp_room_member_get_other (b) == &owners[0]);
  g_assert_cmpstr (wzp_room_member_get_call_id (b), ==, "c1");
  g_assert_cmpuint (wzp_rooms_get_count (rooms), ==, 1);
  g_assert_cmpuint (wzp_rooms_get_members (rooms), ==, 2);

  wzp_rooms_leave (rooms, a);
  g_assert_null (wzp_room_member_get_other (b));
  a = join (rooms, "c1", 1, &owners[0], &replaced);
  g_assert_true (wzp_room_member_get_other (b) == &owners[0]);
  wzp_rooms_leave (rooms, b);
  wzp_rooms_leave (rooms, a);
  g_assert_cmpuint (wzp_rooms_get_count (rooms), ==, 0);
  g_assert_cmpuint (wzp_rooms_get_members (rooms), ==, 0);
}

static void
test_apart (void)
{
  g_autoptr (WzpRooms) rooms = wzp_rooms_new (0);
  WzpRoomMember *a, *b;
  gpointer replaced;
  int owners[2];

  g_test_summary ("Rooms do not hear each other, whoever is in them");

  a = join (rooms, "c1", 1, &owners[0], &replaced);
  b = join (rooms, "c2", 1, &owners[1], &replaced);
  g_assert_null (replaced);
  g_assert_null (wzp_room_member_get_other (a));
  g_assert_null (wzp_room_member_get_other (b));
}

static void
test_full (void)
{
  g_autoptr (WzpRooms) rooms = wzp_rooms_new (0);
  g_autoptr (GError) error = NULL;
  WzpFingerprint third = fp (3);
  WzpRoomMember *a, *b;
  gpointer replaced;
  int owners[3];

  a = join (rooms, "c1", 1, &owners[0], &replaced);
  b = join (rooms, "c1", 2, &owners[1], &replaced);
  g_assert_null (
      wzp_rooms_join (rooms, "c1", &third, &owners[2], &replaced, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_BUSY);
  g_assert_null (replaced);
  g_assert_true (wzp_room_member_get_other (a) == &owners[1]);
  g_assert_true (wzp_room_member_get_other (b) == &owners[0]);
}

static void
test_replaced (void)
{
  g_autoptr (WzpRooms) rooms = wzp_rooms_new (1);
  WzpRoomMember *a, *b;
  gpointer replaced;
  int owners[3];

  /* Alone, with no room to spare. */
  join (rooms, "c1", 1, &owners[0], &replaced);
  a = join (rooms, "c1", 1, &owners[1], &replaced);
  g_assert_nonnull (a);
  g_assert_true (replaced == &owners[0]);
  g_assert_cmpuint (wzp_rooms_get_members (rooms), ==, 1);

  b = join (rooms, "c1", 2, &owners[2], &replaced);
  a = join (rooms, "c1", 1, &owners[0], &replaced);
  g_assert_true (replaced == &owners[1]);
  g_assert_true (wzp_room_member_get_other (b) == &owners[0]);
  g_assert_true (wzp_room_member_get_other (a) == &owners[2]);
  g_assert_cmpuint (wzp_rooms_get_members (rooms), ==, 2);
}

static void
test_limit (void)
{
  g_autoptr (WzpRooms) rooms = wzp_rooms_new (0);
  g_autoptr (GError) error = NULL;
  WzpFingerprint who = fp (1);
  gpointer replaced;

  for (guint i = 0; i < WZP_ROOMS_MAX; i++) {
    g_autofree char *id = g_strdup_printf ("c%u", i);

    g_assert_nonnull (join (rooms, id, 1, rooms, &replaced));
  }
  g_assert_null (
      wzp_rooms_join (rooms, "one-more", &who, rooms, &replaced, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_BUSY);
  /* Who is awaited may still come. */
  g_assert_nonnull (join (rooms, "c7", 2, rooms, &replaced));
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/rooms/pair", test_pair);
  g_test_add_func ("/rooms/apart", test_apart);
  g_test_add_func ("/rooms/full", test_full);
  g_test_add_func ("/rooms/replaced", test_replaced);
  g_test_add_func ("/rooms/limit", test_limit);
  return wzp_test_run ();
}
