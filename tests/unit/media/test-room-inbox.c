#include "wzp-room-inbox.h"

#include <string.h>

#define MAX_FRAGMENTS 128u

typedef struct {
  guint8 bytes[1200];
  gsize len;
} Fragment;

static GBytes *
make_message (GRand *rand, gsize size)
{
  guint8 *data = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) g_rand_int (rand);
  return g_bytes_new_take (data, size);
}

static guint
cut (GBytes *message, guint64 to, guint64 id, gsize size, Fragment *out)
{
  gsize offset = 0;
  guint n = 0;

  while (offset < g_bytes_get_size (message)) {
    g_assert_cmpuint (n, <, MAX_FRAGMENTS);
    out[n].len =
        wzp_room_fragment_write (out[n].bytes, size, to, id, message, &offset);
    g_assert_cmpuint (out[n].len, <=, size);
    n++;
  }
  return n;
}

static WzpRoomInboxResult
push (WzpRoomInbox *inbox, const Fragment *fragment, GBytes **message)
{
  guint64 to;

  return wzp_room_inbox_push (
      inbox, fragment->bytes, fragment->len, message, &to);
}

/* Any order, any repetition: whole once, and the same. */
static void
test_random (void)
{
  guint32 seed = (guint32) g_test_rand_int ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);

  g_test_message ("seed %u", seed);
  for (guint round = 0; round < 300; round++) {
    g_autoptr (WzpRoomInbox) inbox = wzp_room_inbox_new ();
    gsize size = 1 + g_rand_int_range (rand, 0, WZP_CONTROL_MAX_MESSAGE);
    g_autoptr (GBytes) message = make_message (rand, size);
    guint64 sent_to = g_rand_int (rand), got_to = 0;
    g_autofree Fragment *fragments = g_new (Fragment, MAX_FRAGMENTS);
    g_autoptr (GBytes) got = NULL;
    guint n = cut (message, sent_to, round,
        (gsize) g_rand_int_range (rand, 600, 1200), fragments);
    guint left = n;
    gboolean seen[MAX_FRAGMENTS] = { FALSE };

    while (left > 0) {
      guint i = (guint) g_rand_int_range (rand, 0, (gint32) n);
      WzpRoomInboxResult result = wzp_room_inbox_push (
          inbox, fragments[i].bytes, fragments[i].len, &got, &got_to);

      left -= seen[i] ? 0 : 1;
      seen[i] = TRUE;
      g_assert_cmpint (
          result, ==, left == 0 ? WZP_ROOM_INBOX_WHOLE : WZP_ROOM_INBOX_TAKEN);
    }
    g_assert_true (g_bytes_equal (got, message));
    g_assert_cmpuint (got_to, ==, sent_to);
    g_assert_cmpint (
        push (inbox, &fragments[0], NULL), ==, WZP_ROOM_INBOX_LATE);
  }
}

/* A fifth message under way pushes out the oldest, whose rest is late. */
static void
test_partial_bound (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  g_autoptr (WzpRoomInbox) inbox = wzp_room_inbox_new ();
  g_autoptr (GBytes) message = make_message (rand, 2000);
  Fragment fragments[WZP_ROOM_INBOX_MAX_PARTIAL + 1][2];
  g_autoptr (GBytes) got = NULL;

  for (guint i = 0; i <= WZP_ROOM_INBOX_MAX_PARTIAL; i++) {
    Fragment all[4];

    g_assert_cmpuint (cut (message, 0, i, 1100, all), ==, 2);
    memcpy (fragments[i], all, sizeof fragments[i]);
    g_assert_cmpint (
        push (inbox, &fragments[i][0], NULL), ==, WZP_ROOM_INBOX_TAKEN);
  }
  g_assert_cmpint (
      push (inbox, &fragments[0][1], NULL), ==, WZP_ROOM_INBOX_LATE);
  for (guint i = 1; i <= WZP_ROOM_INBOX_MAX_PARTIAL; i++) {
    g_assert_cmpint (
        push (inbox, &fragments[i][1], &got), ==, WZP_ROOM_INBOX_WHOLE);
    g_assert_true (g_bytes_equal (got, message));
    g_clear_pointer (&got, g_bytes_unref);
  }
}

static gsize
write_head (guint8 *buf, guint64 to, guint64 id, guint64 size, guint64 offset,
    gsize payload)
{
  WzpWriter w;

  wzp_writer_init (&w, buf, 64);
  wzp_writer_varint (&w, to);
  wzp_writer_varint (&w, id);
  wzp_writer_varint (&w, size);
  wzp_writer_varint (&w, offset);
  g_assert_false (w.failed);
  memset (w.pos, 0, payload);
  return (gsize) (w.pos - buf) + payload;
}

static void
test_malformed (void)
{
  static const struct {
    guint64 to, id, size, offset;
    gsize payload;
    WzpRoomInboxResult result;
  } cases[] = {
    { 0, 0, 20, 0, 10, WZP_ROOM_INBOX_TAKEN },
    { 0, 0, 20, 0, 10, WZP_ROOM_INBOX_TAKEN }, /* again */
    { 0, 0, 21, 10, 1, WZP_ROOM_INBOX_BAD },   /* another size */
    { 1, 0, 20, 10, 1, WZP_ROOM_INBOX_BAD },   /* for another */
    { 0, 1, 0, 0, 0, WZP_ROOM_INBOX_BAD },     /* nothing in it */
    { 0, 1, 20, 0, 0, WZP_ROOM_INBOX_BAD },    /* no bytes */
    { 0, 1, 20, 15, 6, WZP_ROOM_INBOX_BAD },   /* over the end */
    { 0, 1, 20, 20, 1, WZP_ROOM_INBOX_BAD },   /* behind it */
    { 0, 1, WZP_CONTROL_MAX_MESSAGE + 1, 0, 1, WZP_ROOM_INBOX_BAD },
    { WZP_ROOM_TAG_MAX + 1, 1, 20, 0, 1, WZP_ROOM_INBOX_BAD },
    { 0, WZP_VARINT_MAX, 20, 0, 1, WZP_ROOM_INBOX_BAD },
    { WZP_ROOM_TAG_MAX, WZP_VARINT_MAX - 1, WZP_CONTROL_MAX_MESSAGE, 0, 1,
        WZP_ROOM_INBOX_TAKEN },
  };
  g_autoptr (WzpRoomInbox) inbox = wzp_room_inbox_new ();
  guint8 buf[128];

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gsize len = write_head (buf, cases[i].to, cases[i].id, cases[i].size,
        cases[i].offset, cases[i].payload);

    g_test_message ("case %u", i);
    g_assert_cmpint (
        wzp_room_inbox_push (inbox, buf, len, NULL, NULL), ==, cases[i].result);
  }
  for (gsize len = 0; len < 4; len++)
    g_assert_cmpint (wzp_room_inbox_push (inbox, buf, len, NULL, NULL), ==,
        WZP_ROOM_INBOX_BAD);
}

/* Single bytes with holes between them: bounded. */
static void
test_holes_bound (void)
{
  g_autoptr (WzpRoomInbox) inbox = wzp_room_inbox_new ();
  guint8 buf[128];

  for (guint i = 0; i <= WZP_ROOM_INBOX_MAX_HOLES; i++) {
    gsize len = write_head (buf, 0, 0, 1000, 2 * i + 1, 1);

    g_assert_cmpint (wzp_room_inbox_push (inbox, buf, len, NULL, NULL), ==,
        i < WZP_ROOM_INBOX_MAX_HOLES ? WZP_ROOM_INBOX_TAKEN
                                     : WZP_ROOM_INBOX_BAD);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/room-inbox/random", test_random);
  g_test_add_func ("/room-inbox/partial-bound", test_partial_bound);
  g_test_add_func ("/room-inbox/malformed", test_malformed);
  g_test_add_func ("/room-inbox/holes-bound", test_holes_bound);
  return g_test_run ();
}
