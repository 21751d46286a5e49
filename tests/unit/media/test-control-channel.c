#include "wzp-control-channel.h"
#include "wzp-test.h"

#include <string.h>

#define MS G_TIME_SPAN_MILLISECOND

static guint8 bytes[WZP_CONTROL_MAX_MESSAGE + 1];

static GBytes *
new_message (gsize size, guint mark)
{
  guint8 *data = g_malloc (size + 4);

  memcpy (data, bytes, size);
  if (size >= 4)
    memcpy (data, &mark, 4);
  return g_bytes_new_take (data, size);
}

static gboolean
send_size (WzpControlChannel *channel, gsize size, guint mark)
{
  g_autoptr (GBytes) message = new_message (size, mark);

  return wzp_control_channel_send (channel, message);
}

static void
assert_pop (WzpControlChannel *channel, gsize size, guint mark)
{
  g_autoptr (GBytes) expected = new_message (size, mark);
  g_autoptr (GBytes) got = wzp_control_channel_pop (channel);

  g_assert_nonnull (got);
  g_assert_true (g_bytes_equal (got, expected));
}

static void
assert_quiet (WzpControlChannel *channel, gint64 now)
{
  guint8 buf[1200];

  g_assert_cmpint (wzp_control_channel_get_deadline (channel), ==, -1);
  g_assert_cmpuint (
      wzp_control_channel_write (channel, now, buf, sizeof buf), ==, 0);
}

/* Takes what @from has to say now to @to; returns the datagrams. */
static guint
carry (WzpControlChannel *from, WzpControlChannel *to, gint64 now, gsize size)
{
  g_autofree guint8 *buf = g_malloc (size);
  guint n = 0;
  gsize len;

  while ((len = wzp_control_channel_write (from, now, buf, size)) > 0) {
    g_assert_cmpuint (len, <=, size);
    g_assert_true (wzp_control_channel_receive (to, buf, len, now));
    n++;
  }
  return n;
}

/* Drops what @from has to say now. */
static guint
drop (WzpControlChannel *from, gint64 now)
{
  guint8 buf[1200];
  guint n = 0;

  while (wzp_control_channel_write (from, now, buf, sizeof buf) > 0)
    n++;
  return n;
}

typedef struct {
  guint64 seq, offset, total, len; /* of the bytes from bytes + offset */
} Part;

/* A text as a peer would write it, malformed ones included. */
static gsize
write_text (guint8 *buf, guint64 ack, const guint64 *sacks, guint n_sacks,
    const Part *parts, guint n_parts)
{
  WzpWriter w;

  wzp_writer_init (&w, buf, 2048);
  wzp_writer_varint (&w, WZP_CONTROL_KIND_CHANNEL);
  wzp_writer_varint (&w, ack);
  wzp_writer_varint (&w, n_sacks);
  for (guint i = 0; i < n_sacks; i++)
    wzp_writer_varint (&w, sacks[i]);
  for (guint i = 0; i < n_parts; i++) {
    wzp_writer_varint (&w, parts[i].seq);
    wzp_writer_varint (&w, parts[i].offset);
    wzp_writer_varint (&w, parts[i].total);
    wzp_writer_varint (&w, parts[i].len);
    wzp_writer_bytes (&w, bytes + MIN (parts[i].offset, 1024),
        (gsize) MIN (parts[i].len, 1024));
  }
  g_assert_false (w.failed);
  return (gsize) (w.pos - buf);
}

static gboolean
receive_parts (WzpControlChannel *channel, const Part *parts, guint n_parts)
{
  guint8 buf[2048];
  gsize len = write_text (buf, 0, NULL, 0, parts, n_parts);

  return wzp_control_channel_receive (channel, buf, len, 0);
}

#define receive_part(channel, ...)                                             \
  receive_parts ((channel), &(const Part){ __VA_ARGS__ }, 1)

static gboolean
receive_acks (WzpControlChannel *channel, guint64 ack, const guint64 *sacks,
    guint n_sacks)
{
  guint8 buf[2048];
  gsize len = write_text (buf, ack, sacks, n_sacks, NULL, 0);

  return wzp_control_channel_receive (channel, buf, len, 0);
}

static void
test_there_and_back (WzpTest *test, gconstpointer data)
{
  static const gsize sizes[] = { 1, 0, 100, 1200, 5000, 65536, 4 };
  g_autoptr (WzpControlChannel) a = wzp_control_channel_new ();
  g_autoptr (WzpControlChannel) b = wzp_control_channel_new ();

  assert_quiet (a, 0);
  g_assert_true (wzp_control_channel_is_idle (a));
  g_assert_null (wzp_control_channel_pop (b));
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    g_assert_true (send_size (a, sizes[i], i));
  g_assert_false (wzp_control_channel_is_idle (a));
  g_assert_cmpint (wzp_control_channel_get_deadline (a), ==, 0);

  /* The large ones wait until what is before them has been acknowledged. */
  for (guint round = 0; round < 3; round++) {
    carry (a, b, 10, 256);
    g_assert_cmpint (wzp_control_channel_get_deadline (b), ==, 0);
    g_assert_cmpuint (carry (b, a, 10, 256), ==, 1);
  }
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    assert_pop (b, sizes[i], i);
  g_assert_null (wzp_control_channel_pop (b));
  g_assert_true (wzp_control_channel_is_idle (a));
  assert_quiet (a, 10);
  assert_quiet (b, 10);
}

static void
test_small_ones_share_a_datagram (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpControlChannel) a = wzp_control_channel_new ();
  g_autoptr (WzpControlChannel) b = wzp_control_channel_new ();

  for (guint i = 0; i < 20; i++)
    g_assert_true (send_size (a, 40, i));
  g_assert_cmpuint (carry (a, b, 0, 1200), ==, 1);
  for (guint i = 0; i < 20; i++)
    assert_pop (b, 40, i);
}

static void
test_timer (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpControlChannel) a = wzp_control_channel_new ();
  gint64 now = 5000;

  /* Unknown: 100 ms, doubled to 1 s. */
  g_assert_true (send_size (a, 40, 0));
  for (gint64 timer = 100 * MS, i = 0; i < 10;
       timer = MIN (timer * 2, 1000 * MS), i++) {
    g_assert_cmpuint (drop (a, now), ==, 1);
    g_assert_cmpint (wzp_control_channel_get_deadline (a), ==, now + timer);
    g_assert_cmpuint (drop (a, now + timer - 1), ==, 0);
    now += timer;
  }
  /* A kick, and it begins again. */
  wzp_control_channel_kick (a);
  g_assert_cmpint (wzp_control_channel_get_deadline (a), ==, 0);
  g_assert_cmpuint (drop (a, now), ==, 1);
  g_assert_cmpint (wzp_control_channel_get_deadline (a), ==, now + 100 * MS);

  wzp_control_channel_set_rtt (a, 40 * MS);
  g_assert_cmpint (wzp_control_channel_get_deadline (a), ==, now + 80 * MS);
  wzp_control_channel_set_rtt (a, 1);
  g_assert_cmpint (wzp_control_channel_get_deadline (a), ==, now + 20 * MS);
  wzp_control_channel_set_rtt (a, G_MAXINT64);
  g_assert_cmpint (wzp_control_channel_get_deadline (a), ==, now + 1000 * MS);
  wzp_control_channel_set_rtt (a, -1);
  g_assert_cmpint (wzp_control_channel_get_deadline (a), ==, now + 100 * MS);
}

static void
test_kick_is_for_what_was_sent (WzpTest *test, gconstpointer data)
{
  static const guint64 sacks[] = { 1 };
  g_autoptr (WzpControlChannel) a = wzp_control_channel_new ();
  g_autoptr (WzpControlChannel) b = wzp_control_channel_new ();
  guint8 buf[1200];

  wzp_control_channel_kick (a);
  assert_quiet (a, 0);
  g_assert_true (send_size (a, 1000, 0));
  g_assert_true (send_size (a, 1000, 1));
  drop (a, 0);
  /* 1 has come, 0 is written again for that. */
  g_assert_true (receive_acks (a, 0, sacks, 1));
  g_assert_cmpuint (wzp_control_channel_write (a, 1, buf, sizeof buf), >, 1000);
  g_assert_cmpuint (wzp_control_channel_write (a, 1, buf, sizeof buf), ==, 0);
  wzp_control_channel_kick (a);
  g_assert_cmpuint (carry (a, b, 2, 1200), ==, 1);
  assert_pop (b, 1000, 0);
  g_assert_null (wzp_control_channel_pop (b));
}

static void
test_fast_retransmit (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpControlChannel) a = wzp_control_channel_new ();
  g_autoptr (WzpControlChannel) b = wzp_control_channel_new ();
  g_autoptr (WzpControlChannel) c = wzp_control_channel_new ();

  /* c stands for the void. */
  g_assert_true (send_size (a, 40, 0));
  g_assert_cmpuint (carry (a, c, 0, 1200), ==, 1);
  g_assert_true (send_size (a, 40, 1));
  g_assert_cmpuint (carry (a, b, 1000, 1200), ==, 1);
  g_assert_cmpuint (carry (b, a, 2000, 1200), ==, 1);
  g_assert_cmpint (wzp_control_channel_get_deadline (a), ==, 0);
  g_assert_cmpuint (carry (a, c, 3000, 1200), ==, 1);
  /* Once for that, and again by the timer; 1 is known to be there. */
  g_assert_cmpuint (carry (a, b, 4000, 1200), ==, 0);
  g_assert_cmpint (wzp_control_channel_get_deadline (a), ==, 3000 + 100 * MS);
  g_assert_cmpuint (carry (a, b, 3000 + 100 * MS, 1200), ==, 1);
  assert_pop (b, 40, 0);
  assert_pop (b, 40, 1);
  g_assert_cmpuint (carry (b, a, 3000 + 100 * MS, 1200), ==, 1);
  g_assert_true (wzp_control_channel_is_idle (a));
  assert_quiet (a, 3000 + 100 * MS);
}

/* What was written twice may have come the first time, before the others. */
static void
test_no_retransmit_for_a_repeat (WzpTest *test, gconstpointer data)
{
  static const guint64 sacks[] = { 1 };
  g_autoptr (WzpControlChannel) a = wzp_control_channel_new ();

  g_assert_true (send_size (a, 40, 0));
  g_assert_true (send_size (a, 40, 1));
  g_assert_cmpuint (drop (a, 0), ==, 1);
  wzp_control_channel_kick (a);
  g_assert_cmpuint (drop (a, 1000), ==, 1);
  g_assert_true (receive_acks (a, 0, sacks, 1));
  g_assert_cmpint (wzp_control_channel_get_deadline (a), ==, 1000 + 100 * MS);
}

static void
test_repeat_is_acknowledged (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpControlChannel) a = wzp_control_channel_new ();
  g_autoptr (WzpControlChannel) b = wzp_control_channel_new ();

  g_assert_true (send_size (a, 40, 0));
  g_assert_cmpuint (carry (a, b, 0, 1200), ==, 1);
  assert_pop (b, 40, 0);
  g_assert_cmpuint (drop (b, 0), ==, 1); /* the acknowledgement is lost */
  g_assert_cmpuint (carry (a, b, 100 * MS, 1200), ==, 1);
  g_assert_null (wzp_control_channel_pop (b));
  g_assert_cmpuint (carry (b, a, 100 * MS, 1200), ==, 1);
  g_assert_true (wzp_control_channel_is_idle (a));
  assert_quiet (b, 100 * MS);
}

static void
test_bound_messages (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpControlChannel) a = wzp_control_channel_new ();
  g_autoptr (WzpControlChannel) b = wzp_control_channel_new ();

  for (guint i = 0; i < WZP_CONTROL_MAX_UNACKED; i++) {
    g_assert_true (wzp_control_channel_has_room (a));
    g_assert_true (send_size (a, 10, i));
  }
  g_assert_false (wzp_control_channel_has_room (a));
  g_assert_false (send_size (a, 10, 99));
  carry (a, b, 0, 1200);
  carry (b, a, 0, 1200);
  g_assert_true (send_size (a, 10, WZP_CONTROL_MAX_UNACKED));

  /* Nothing was popped over there: it is left out, and comes later. */
  carry (a, b, 0, 1200);
  carry (b, a, 0, 1200);
  g_assert_false (wzp_control_channel_is_idle (a));
  for (guint i = 0; i < WZP_CONTROL_MAX_UNACKED; i++)
    assert_pop (b, 10, i);
  g_assert_null (wzp_control_channel_pop (b));
  carry (a, b, 200 * MS, 1200);
  carry (b, a, 200 * MS, 1200);
  assert_pop (b, 10, WZP_CONTROL_MAX_UNACKED);
  g_assert_true (wzp_control_channel_is_idle (a));
}

static void
test_bound_bytes (WzpTest *test, gconstpointer data)
{
  const guint n = WZP_CONTROL_MAX_BYTES / WZP_CONTROL_MAX_MESSAGE;
  g_autoptr (WzpControlChannel) a = wzp_control_channel_new ();
  g_autoptr (WzpControlChannel) b = wzp_control_channel_new ();

  for (guint i = 0; i < n; i++) {
    g_assert_true (wzp_control_channel_has_room (a));
    g_assert_true (send_size (a, WZP_CONTROL_MAX_MESSAGE, i));
  }
  g_assert_false (wzp_control_channel_has_room (a));
  g_assert_false (send_size (a, 1, 99));
  /* One at a time is under way. */
  for (guint i = 0; i < n; i++) {
    guint n_datagrams = carry (a, b, i, 1200);

    g_assert_cmpuint (n_datagrams, >, WZP_CONTROL_MAX_MESSAGE / 1200);
    g_assert_cmpuint (n_datagrams, <=, WZP_CONTROL_MAX_MESSAGE / 1150);
    carry (b, a, i, 1200);
    assert_pop (b, WZP_CONTROL_MAX_MESSAGE, i);
  }
  g_assert_true (wzp_control_channel_is_idle (a));
  g_assert_true (wzp_control_channel_has_room (a));

  /* Room was made on both sides. */
  g_assert_true (send_size (a, WZP_CONTROL_MAX_MESSAGE, n));
  carry (a, b, n, 1200);
  assert_pop (b, WZP_CONTROL_MAX_MESSAGE, n);
}

/* A peer that announces more than it may gets no more memory. */
static void
test_bound_bytes_received (WzpTest *test, gconstpointer data)
{
  const guint n = WZP_CONTROL_MAX_BYTES / WZP_CONTROL_MAX_MESSAGE;
  g_autoptr (WzpControlChannel) b = wzp_control_channel_new ();

  for (guint i = 1; i <= n; i++)
    g_assert_true (receive_part (b, i, 0, WZP_CONTROL_MAX_MESSAGE, 1));
  /* Left out: the whole of it would have been popped. */
  g_assert_true (receive_part (b, 0, 0, 1, 1));
  g_assert_null (wzp_control_channel_pop (b));
  g_assert_true (receive_part (b, n + 1, 0, 100, 100));
  g_assert_true (receive_part (b, 0, 0, 0, 0));
  g_bytes_unref (wzp_control_channel_pop (b));
}

/* The text is refused, and nothing is to be said or handed out for it. */
static void
assert_refused (WzpControlChannel *channel, const guint8 *text, gsize len)
{
  g_assert_false (wzp_control_channel_receive (channel, text, len, 0));
  g_assert_cmpint (wzp_control_channel_get_deadline (channel), !=, 0);
  g_assert_null (wzp_control_channel_pop (channel));
}

static void
test_refused_segments (WzpTest *test, gconstpointer data)
{
  static const struct {
    guint n;
    Part parts[2];
  } cases[] = {
    { 1, { { 64, 0, 10, 10 } } },                   /* beyond the window */
    { 1, { { WZP_VARINT_MAX, 0, 10, 10 } } },       /* beyond the window */
    { 1, { { 1, 0, 65537, 10 } } },                 /* too large */
    { 1, { { 1, 11, 10, 0 } } },                    /* beyond its end */
    { 1, { { 1, 1, 10, 10 } } },                    /* beyond its end */
    { 1, { { 1, 0, 0, 1 } } },                      /* beyond its end */
    { 1, { { 1, 5, 10, 0 } } },                     /* nothing */
    { 1, { { 1, WZP_VARINT_MAX, 10, 1 } } },        /* wraps round */
    { 1, { { 1, 0, 10, WZP_VARINT_MAX } } },        /* wraps round */
    { 1, { { 2, 0, 99, 1 } } },                     /* 2 has 100 bytes */
    { 2, { { 1, 0, 10, 1 }, { 1, 1, 11, 1 } } },    /* each other */
    { 2, { { 0, 0, 10, 10 }, { 64, 0, 10, 10 } } }, /* the first is good */
  };
  g_autoptr (WzpControlChannel) b = wzp_control_channel_new ();
  guint8 buf[2048];

  g_assert_true (receive_part (b, 2, 0, 100, 50));
  g_assert_cmpuint (drop (b, 0), ==, 1);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("case %u", i);
    assert_refused (
        b, buf, write_text (buf, 0, NULL, 0, cases[i].parts, cases[i].n));
  }
  /* Cut off anywhere but between two segments. */
  {
    static const Part parts[] = { { 0, 0, 10, 10 }, { 1, 0, 20, 20 } };
    gsize len = write_text (buf, 0, NULL, 0, parts, 2);

    for (gsize cut = 0; cut < len; cut++)
      if (cut != 3 && cut != 3 + 4 + 10)
        assert_refused (b, buf, cut);
  }
  /* Nothing of it stayed: these contradict what was refused. */
  g_assert_true (receive_part (b, 0, 0, 11, 11));
  g_assert_true (receive_part (b, 1, 0, 12, 12));
  g_assert_true (receive_part (b, 2, 50, 100, 50));
  for (guint i = 0; i < 3; i++)
    g_bytes_unref (wzp_control_channel_pop (b));
  g_assert_true (receive_part (b, 63 + 3, 0, 10, 10)); /* the window's edge */
}

static void
test_refused_acks (WzpTest *test, gconstpointer data)
{
  static const struct {
    guint64 ack;
    guint n;
    guint64 sacks[WZP_CONTROL_MAX_SACK + 1];
  } cases[] = {
    { 5, 0, { 0 } },              /* never sent */
    { WZP_VARINT_MAX, 0, { 0 } }, /* never sent */
    { 1, 1, { 0 } },              /* what it is waiting for */
    { 1, 2, { 2, 2 } },           /* twice */
    { 1, 2, { 2, 1 } },           /* backwards */
    { 1, 1, { 3 } },              /* never sent */
    { 1, 1, { 64 } },             /* beyond the window */
    { 1, 1, { WZP_VARINT_MAX } },
    { 0, WZP_CONTROL_MAX_SACK + 1,
        { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 } },
  };
  g_autoptr (WzpControlChannel) a = wzp_control_channel_new ();
  guint8 buf[2048];

  for (guint i = 0; i < 4; i++)
    g_assert_true (send_size (a, 10, i));
  drop (a, 0);
  g_assert_true (send_size (a, 10, 4)); /* waits, and was not sent */
  /* So its time has come: the deadline is 0 with or without a change. */
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gsize len =
        write_text (buf, cases[i].ack, cases[i].sacks, cases[i].n, NULL, 0);

    g_test_message ("case %u", i);
    g_assert_false (wzp_control_channel_receive (a, buf, len, 0));
  }
  g_assert_cmpuint (drop (a, 1), ==, 1);
  g_assert_cmpint (wzp_control_channel_get_deadline (a), ==, 100 * MS);

  buf[0] = WZP_CONTROL_PROBE;
  g_assert_false (wzp_control_channel_receive (a, buf, 3, 0));
  g_assert_false (wzp_control_channel_receive (a, buf, 0, 0));

  g_assert_true (receive_acks (a, 5, NULL, 0));
  g_assert_true (wzp_control_channel_is_idle (a));
  g_assert_true (receive_acks (a, 2, cases[4].sacks + 1, 1)); /* overtaken */
  g_assert_false (receive_acks (a, 6, NULL, 0));
  assert_quiet (a, 1);
}

/* A message that was begun but not written to its end cannot be there. */
static void
test_ack_of_half_a_message (WzpTest *test, gconstpointer data)
{
  static const guint64 sacks[] = { 1 };
  g_autoptr (WzpControlChannel) a = wzp_control_channel_new ();
  guint8 buf[256];

  g_assert_true (send_size (a, 10, 0));
  g_assert_true (send_size (a, 1000, 1));
  g_assert_cmpuint (
      wzp_control_channel_write (a, 0, buf, sizeof buf), ==, sizeof buf);
  g_assert_false (receive_acks (a, 2, NULL, 0));
  g_assert_false (receive_acks (a, 0, sacks, 1));
  g_assert_true (receive_acks (a, 1, NULL, 0));
  drop (a, 0);
  g_assert_true (receive_acks (a, 2, NULL, 0));
}

/* More whole messages behind a hole than one acknowledgement names. */
static void
test_many_sacks (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpControlChannel) a = wzp_control_channel_new ();
  g_autoptr (WzpControlChannel) b = wzp_control_channel_new ();
  g_autoptr (WzpControlChannel) c = wzp_control_channel_new ();

  g_assert_true (send_size (a, 1000, 0));
  carry (a, c, 0, 1200);
  for (guint i = 1; i < WZP_CONTROL_MAX_UNACKED; i++)
    g_assert_true (send_size (a, 1000, i));
  carry (a, b, 0, 1200);
  carry (b, a, 0, 1200);
  carry (a, b, 0, 1200);
  carry (b, a, 0, 1200);
  g_assert_true (wzp_control_channel_is_idle (a));
  for (guint i = 0; i < WZP_CONTROL_MAX_UNACKED; i++)
    assert_pop (b, 1000, i);
}

/* Whatever comes: no crash, and the channel goes on. */
static void
test_garbage (WzpTest *test, gconstpointer data)
{
  GRand *rand = wzp_test_rand_new ();

  for (guint i = 0; i < 3000; i++) {
    g_autoptr (WzpControlChannel) a = wzp_control_channel_new ();
    guint8 buf[600];

    for (guint k = 0; k < 5; k++)
      g_assert_true (send_size (a, 10, k));
    for (guint k = 0; k < 30; k++) {
      gsize len = (gsize) g_rand_int_range (rand, 0, 60);
      GBytes *message;

      for (gsize b = 0; b < len; b++)
        buf[b] = (guint8) g_rand_int_range (rand, 0, b < 3 ? 3 : 70);
      wzp_control_channel_receive (a, buf, len, k);
      while ((message = wzp_control_channel_pop (a)) != NULL)
        g_bytes_unref (message);
      wzp_control_channel_write (a, k * 50 * MS, buf, 256);
    }
  }
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  for (gsize i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) (i * 7 + i / 251);

  wzp_test_init (&argc, &argv);
#define ADD(name, func) wzp_test_add ("/control-channel/" name, NULL, func)
  ADD ("there-and-back", test_there_and_back);
  ADD ("small-ones-share-a-datagram", test_small_ones_share_a_datagram);
  ADD ("timer", test_timer);
  ADD ("kick-is-for-what-was-sent", test_kick_is_for_what_was_sent);
  ADD ("fast-retransmit", test_fast_retransmit);
  ADD ("no-retransmit-for-a-repeat", test_no_retransmit_for_a_repeat);
  ADD ("repeat-is-acknowledged", test_repeat_is_acknowledged);
  ADD ("bound-messages", test_bound_messages);
  ADD ("bound-bytes", test_bound_bytes);
  ADD ("bound-bytes-received", test_bound_bytes_received);
  ADD ("refused-segments", test_refused_segments);
  ADD ("refused-acks", test_refused_acks);
  ADD ("ack-of-half-a-message", test_ack_of_half_a_message);
  ADD ("many-sacks", test_many_sacks);
  ADD ("garbage", test_garbage);
#undef ADD
  return wzp_test_run ();
}
