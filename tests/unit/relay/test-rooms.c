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

/* By certificate. */
static WzpRoomMember *
join (WzpRooms *rooms, const char *call_id, guint who, gpointer owner,
    gpointer *ret_replaced)
{
  WzpFingerprint id = fp (who);

  return wzp_rooms_join_call (
      rooms, call_id, &id, TRUE, owner, ret_replaced, NULL);
}

static WzpRoomMember *
join_open (WzpRooms *rooms, const char *name, gpointer owner)
{
  return wzp_rooms_join_open (
      rooms, name, WZP_ROOMS_MAX_OPEN_MEMBERS, owner, NULL);
}

static void
check_counts (const WzpRooms *rooms, guint n_rooms, guint n_members,
    guint n_open_rooms, guint n_open_members)
{
  guint got[4];

  wzp_rooms_get_counts (rooms, &got[0], &got[1], &got[2], &got[3]);
  g_assert_cmpuint (got[0], ==, n_rooms);
  g_assert_cmpuint (got[1], ==, n_members);
  g_assert_cmpuint (got[2], ==, n_open_rooms);
  g_assert_cmpuint (got[3], ==, n_open_members);
  wzp_rooms_get_counts (rooms, NULL, NULL, NULL, NULL);
}

static void
test_pair (void)
{
  g_autoptr (WzpRooms) rooms = wzp_rooms_new (0);
  WzpRoomMember *a, *b;
  const WzpRoom *room;
  gpointer replaced;
  int owners[2];

  a = join (rooms, "c1", 1, &owners[0], &replaced);
  g_assert_null (replaced);
  g_assert_null (wzp_room_member_get_other (a));
  b = join (rooms, "c1", 2, &owners[1], &replaced);
  g_assert_null (replaced);
  g_assert_true (wzp_room_member_get_other (a) == &owners[1]);
  g_assert_true (wzp_room_member_get_other (b) == &owners[0]);
  room = wzp_room_member_get_room (b);
  g_assert_true (wzp_room_member_get_room (a) == room);
  g_assert_cmpstr (wzp_room_get_call_id (room), ==, "c1");
  g_assert_cmpstr (wzp_room_get_name (room), ==, "call-c1");
  g_assert_cmpuint (wzp_room_get_size (room), ==, 2);
  check_counts (rooms, 1, 2, 0, 0);

  wzp_rooms_leave (rooms, a);
  g_assert_null (wzp_room_member_get_other (b));
  a = join (rooms, "c1", 1, &owners[0], &replaced);
  g_assert_true (wzp_room_member_get_other (b) == &owners[0]);
  g_assert_true (wzp_room_member_get_other (a) == &owners[1]);
  wzp_rooms_leave (rooms, b);
  wzp_rooms_leave (rooms, a);
  check_counts (rooms, 0, 0, 0, 0);
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
  check_counts (rooms, 2, 2, 0, 0);
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
  g_assert_null (wzp_rooms_join_call (
      rooms, "c1", &third, TRUE, &owners[2], &replaced, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_BUSY);
  g_assert_null (replaced);
  g_assert_true (wzp_room_member_get_other (a) == &owners[1]);
  g_assert_true (wzp_room_member_get_other (b) == &owners[0]);
  check_counts (rooms, 1, 2, 0, 0);
}

static void
test_replaced (void)
{
  g_autoptr (WzpRooms) rooms = wzp_rooms_new (0);
  WzpRoomMember *a, *b;
  gpointer replaced;
  int owners[3];

  g_test_summary ("The same identity takes its own place, alone or not");

  join (rooms, "c1", 1, &owners[0], &replaced);
  join (rooms, "c1", 1, &owners[1], &replaced);
  g_assert_true (replaced == &owners[0]);
  check_counts (rooms, 1, 1, 0, 0);

  b = join (rooms, "c1", 2, &owners[2], &replaced);
  g_assert_null (replaced);
  a = join (rooms, "c1", 1, &owners[0], &replaced);
  g_assert_true (replaced == &owners[1]);
  g_assert_true (wzp_room_member_get_other (b) == &owners[0]);
  g_assert_true (wzp_room_member_get_other (a) == &owners[2]);
  check_counts (rooms, 1, 2, 0, 0);
}

static void
test_proved (void)
{
  g_autoptr (WzpRooms) rooms = wzp_rooms_new (0);
  g_autoptr (GError) error = NULL;
  WzpFingerprint who = fp (1);
  gpointer replaced;
  int owners[4];

  g_test_summary ("A claim gives way to a proof, and never the reverse");

  g_assert_nonnull (wzp_rooms_join_call (
      rooms, "c1", &who, FALSE, &owners[0], &replaced, NULL));
  g_assert_nonnull (wzp_rooms_join_call (
      rooms, "c1", &who, FALSE, &owners[1], &replaced, NULL));
  g_assert_true (replaced == &owners[0]);
  g_assert_nonnull (wzp_rooms_join_call (
      rooms, "c1", &who, TRUE, &owners[2], &replaced, NULL));
  g_assert_true (replaced == &owners[1]);
  g_assert_null (wzp_rooms_join_call (
      rooms, "c1", &who, FALSE, &owners[3], &replaced, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_BUSY);
  g_assert_null (replaced);
  check_counts (rooms, 1, 1, 0, 0);
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
  g_assert_null (wzp_rooms_join_call (
      rooms, "one-more", &who, TRUE, rooms, &replaced, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_BUSY);
  g_assert_null (join_open (rooms, "one-more", rooms));
  /* Who is awaited may still come, and who is there may come again. */
  g_assert_nonnull (join (rooms, "c7", 2, rooms, &replaced));
  g_assert_nonnull (join (rooms, "c7", 2, rooms, &replaced));
}

static void
test_set_max (void)
{
  g_autoptr (WzpRooms) rooms = wzp_rooms_new (2);
  WzpRoomMember *a;

  g_test_summary ("A lower limit leaves what is there");

  a = join_open (rooms, "a", rooms);
  g_assert_nonnull (join_open (rooms, "b", rooms));
  g_assert_null (join_open (rooms, "c", rooms));
  wzp_rooms_set_max (rooms, 1);
  check_counts (rooms, 2, 2, 2, 2);
  g_assert_nonnull (join_open (rooms, "b", rooms));
  wzp_rooms_leave (rooms, a);
  g_assert_null (join_open (rooms, "a", rooms));
  wzp_rooms_set_max (rooms, 0);
  g_assert_nonnull (join_open (rooms, "a", rooms));
}

static void
test_open (void)
{
  g_autoptr (WzpRooms) rooms = wzp_rooms_new (0);
  WzpRoomMember *members[WZP_ROOMS_MAX_OPEN_MEMBERS];
  g_autoptr (GError) error = NULL;
  const WzpRoom *room;

  g_test_summary ("One owner as often as it likes, up to the limit");

  for (guint i = 0; i < WZP_ROOMS_MAX_OPEN_MEMBERS; i++) {
    members[i] = join_open (rooms, "stage", rooms);
    g_assert_nonnull (members[i]);
  }
  g_assert_null (wzp_rooms_join_open (
      rooms, "stage", WZP_ROOMS_MAX_OPEN_MEMBERS, rooms, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_BUSY);
  room = wzp_room_member_get_room (members[0]);
  g_assert_null (wzp_room_get_call_id (room));
  g_assert_cmpstr (wzp_room_get_name (room), ==, "stage");
  g_assert_cmpuint (wzp_room_get_size (room), ==, WZP_ROOMS_MAX_OPEN_MEMBERS);
  check_counts (
      rooms, 1, WZP_ROOMS_MAX_OPEN_MEMBERS, 1, WZP_ROOMS_MAX_OPEN_MEMBERS);
  wzp_rooms_leave (rooms, members[17]);
  g_assert_nonnull (join_open (rooms, "stage", rooms));
}

/* The message of a full room is that of too many rooms. */
static void
test_no_oracle (void)
{
  g_autoptr (WzpRooms) rooms = wzp_rooms_new (1);
  g_autoptr (GError) full = NULL;
  g_autoptr (GError) none = NULL;

  g_assert_nonnull (wzp_rooms_join_open (rooms, "a", 1, rooms, NULL));
  g_assert_null (wzp_rooms_join_open (rooms, "a", 1, rooms, &full));
  g_assert_null (wzp_rooms_join_open (rooms, "b", 1, rooms, &none));
  g_assert_cmpint (full->code, ==, none->code);
  g_assert_cmpstr (full->message, ==, "No place in room a");
  g_assert_cmpstr (none->message, ==, "No place in room b");
}

static void
count_end (gpointer data)
{
  ++*(guint *) data;
}

static void
test_data (void)
{
  WzpRooms *rooms = wzp_rooms_new (0);
  WzpRoomMember *a = join_open (rooms, "a", rooms);
  WzpRoomMember *b = join_open (rooms, "a", rooms);
  WzpRoom *room = wzp_room_member_get_room (a);
  guint ends[3] = { 0 };

  g_assert_null (wzp_room_get_data (room));
  wzp_room_set_data (room, &ends[0], count_end);
  wzp_room_set_data (room, &ends[1], count_end);
  g_assert_cmpuint (ends[0], ==, 1);
  g_assert_true (wzp_room_get_data (room) == &ends[1]);
  wzp_rooms_leave (rooms, a);
  g_assert_cmpuint (ends[1], ==, 0);
  wzp_rooms_leave (rooms, b);
  g_assert_cmpuint (ends[1], ==, 1);

  a = join_open (rooms, "a", rooms);
  wzp_room_set_data (wzp_room_member_get_room (a), &ends[2], count_end);
  wzp_rooms_free (rooms);
  g_assert_cmpuint (ends[2], ==, 1);
  g_assert_cmpuint (ends[0] + ends[1], ==, 2);
}

static void
test_tag (void)
{
  g_autoptr (WzpRooms) rooms = wzp_rooms_new (0);
  WzpRoomMember *a, *b;
  gpointer replaced;
  guint64 tag;

  g_test_summary ("A call's room is found by its tag, an open one is not");

  /* SHA-256 ("call-c1") begins with these bytes. */
  tag = wzp_room_compute_tag ("c1");
  g_assert_cmphex (tag, ==, G_GUINT64_CONSTANT (0x1ad18b2c598d0733));
  g_assert_null (wzp_rooms_find_tag (rooms, tag));
  a = join (rooms, "c1", 1, rooms, &replaced);
  b = join (rooms, "c1", 2, rooms, &replaced);
  g_assert_true (
      wzp_rooms_find_tag (rooms, tag) == wzp_room_member_get_room (a));
  g_assert_cmphex (wzp_room_get_tag (wzp_room_member_get_room (a)), ==, tag);
  wzp_rooms_leave (rooms, a);
  g_assert_true (
      wzp_rooms_find_tag (rooms, tag) == wzp_room_member_get_room (b));
  wzp_rooms_leave (rooms, b);
  g_assert_null (wzp_rooms_find_tag (rooms, tag));

  join_open (rooms, "c1", rooms);
  g_assert_null (wzp_rooms_find_tag (rooms, tag));
  g_assert_null (wzp_rooms_find_tag (rooms, 0));
}

/* A room by the rules of the header, to compare with. */
typedef struct {
  guint n_rooms, n_members, n_open_rooms, n_open_members;
} Expected;

static void
count_model (GPtrArray *const *in, guint n_rooms, Expected *ret_expected)
{
  memset (ret_expected, 0, sizeof *ret_expected);
  for (guint i = 0; i < n_rooms; i++) {
    ret_expected->n_members += in[i]->len;
    ret_expected->n_rooms += in[i]->len > 0;
    if (i % 2 == 0) {
      ret_expected->n_open_members += in[i]->len;
      ret_expected->n_open_rooms += in[i]->len > 0;
    }
  }
}

/* Every member is where it was put, whoever else has left. */
static void
check_owners (GPtrArray *members, guint room_index)
{
  const WzpRoom *room;
  guint n_seen = 0;

  if (members->len == 0)
    return;
  room = wzp_room_member_get_room (members->pdata[0]);
  g_assert_cmpuint (wzp_room_get_size (room), ==, members->len);
  for (guint i = 0; i < members->len; i++) {
    g_assert_true (wzp_room_member_get_room (members->pdata[i]) == room);
    n_seen += wzp_room_get_owner (room, i) == GUINT_TO_POINTER (room_index + 1);
  }
  g_assert_cmpuint (n_seen, ==, members->len);
}

#define RANDOM_ROOMS 6u

static void
random_step (
    WzpRooms *rooms, GRand *rand, GPtrArray **in, const Expected *before)
{
  guint i = (guint) g_rand_int_range (rand, 0, RANDOM_ROOMS);
  g_autofree char *name = g_strdup_printf ("r%u", i);
  gpointer owner = GUINT_TO_POINTER (i + 1), replaced = NULL;
  WzpRoomMember *member;
  gboolean fits;

  if (in[i]->len > 0 && g_rand_boolean (rand)) {
    guint at = (guint) g_rand_int_range (rand, 0, (gint32) in[i]->len);

    member = g_ptr_array_remove_index_fast (in[i], at);
    wzp_rooms_leave (rooms, member);
    return;
  }
  fits = in[i]->len > 0 ? in[i]->len < (i % 2 == 0 ? 5u : 2u)
                        : before->n_rooms < 4;
  if (i % 2 == 0)
    member = wzp_rooms_join_open (rooms, name, 5, owner, NULL);
  else /* somebody new each time, so that nobody is replaced */
    member = join (rooms, name, g_rand_int (rand), owner, &replaced);
  g_assert_null (replaced);
  g_assert_cmpint (member != NULL, ==, fits);
  if (member != NULL)
    g_ptr_array_add (in[i], member);
}

static void
test_random (void)
{
  g_autoptr (WzpRooms) rooms = wzp_rooms_new (4);
  GRand *rand = wzp_test_rand_new ();
  GPtrArray *in[RANDOM_ROOMS];
  Expected expected = { 0 };

  for (guint i = 0; i < RANDOM_ROOMS; i++)
    in[i] = g_ptr_array_new ();
  for (guint step = 0; step < 20000; step++) {
    random_step (rooms, rand, in, &expected);
    count_model (in, RANDOM_ROOMS, &expected);
    check_counts (rooms, expected.n_rooms, expected.n_members,
        expected.n_open_rooms, expected.n_open_members);
    g_assert_cmpuint (expected.n_rooms, <=, 4);
    for (guint i = 0; i < RANDOM_ROOMS; i++)
      check_owners (in[i], i);
  }
  for (guint i = 0; i < RANDOM_ROOMS; i++)
    g_ptr_array_unref (in[i]);
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/rooms/pair", test_pair);
  g_test_add_func ("/rooms/apart", test_apart);
  g_test_add_func ("/rooms/full", test_full);
  g_test_add_func ("/rooms/replaced", test_replaced);
  g_test_add_func ("/rooms/proved", test_proved);
  g_test_add_func ("/rooms/limit", test_limit);
  g_test_add_func ("/rooms/set-max", test_set_max);
  g_test_add_func ("/rooms/open", test_open);
  g_test_add_func ("/rooms/no-oracle", test_no_oracle);
  g_test_add_func ("/rooms/data", test_data);
  g_test_add_func ("/rooms/tag", test_tag);
  g_test_add_func ("/rooms/random", test_random);
  return wzp_test_run ();
}
