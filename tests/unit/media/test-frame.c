#include "wzp-frame.h"
#include "wzp-test.h"

#include <string.h>

static guint n_dropped;

static void
on_drop (gpointer owner)
{
  g_assert_cmpstr (owner, ==, "owner");
  n_dropped++;
}

static WzpFrame *
new_alphabet (void)
{
  static char text[] = "abcdefghij";
  const struct iovec iov[] = {
    { text, 3 },
    { text + 3, 0 },
    { text + 3, 1 },
    { text + 4, 6 },
  };

  return wzp_frame_new_wrapped (iov, G_N_ELEMENTS (iov), NULL, NULL);
}

static void
test_wrapped (WzpTest *test, gconstpointer data)
{
  char bytes[] = "abcdef";
  struct iovec iov[] = { { bytes, 2 }, { bytes + 2, 4 } };
  WzpFrame *frame = wzp_frame_new_wrapped (iov, 2, (gpointer) "owner", on_drop);

  n_dropped = 0;
  g_assert_cmpuint (frame->meta.size, ==, 6);
  g_assert_cmpuint (frame->meta.pts, ==, WZP_TIME_NONE);
  g_assert_cmpuint (frame->meta.dts, ==, WZP_TIME_NONE);
  g_assert_cmpuint (frame->meta.duration, ==, WZP_TIME_NONE);
  g_assert_cmpuint (frame->n_iov, ==, 2);
  /* The list is a copy, the bytes are not. */
  iov[1].iov_base = NULL;
  g_assert_true (frame->iov[1].iov_base == bytes + 2);

  g_assert_true (wzp_frame_ref (frame) == frame);
  wzp_frame_unref (frame);
  g_assert_cmpuint (n_dropped, ==, 0);
  g_assert_null (wzp_frame_steal_data (frame));
  wzp_frame_unref (frame);
  g_assert_cmpuint (n_dropped, ==, 1);
}

static void
test_bounds (WzpTest *test, gconstpointer data)
{
  g_autofree guint8 *bytes = g_malloc (1);
  struct iovec iov[WZP_FRAME_MAX_IOV + 1];
  WzpFrame *frame;

  n_dropped = 0;
  for (guint i = 0; i < G_N_ELEMENTS (iov); i++)
    iov[i] = (struct iovec){ bytes, 1 };
  g_assert_null (wzp_frame_new_wrapped (
      iov, WZP_FRAME_MAX_IOV + 1, (gpointer) "owner", on_drop));
  frame = wzp_frame_new_wrapped (
      iov, WZP_FRAME_MAX_IOV, (gpointer) "owner", on_drop);
  g_assert_cmpuint (frame->meta.size, ==, WZP_FRAME_MAX_IOV);
  wzp_frame_unref (frame);
  g_assert_cmpuint (n_dropped, ==, 1);

  /* Sizes only: the bytes are not looked at. */
  iov[0].iov_len = WZP_FRAME_SIZE_MAX - 1;
  frame = wzp_frame_new_wrapped (iov, 2, NULL, NULL);
  g_assert_cmpuint (frame->meta.size, ==, WZP_FRAME_SIZE_MAX);
  wzp_frame_unref (frame);
  g_assert_null (wzp_frame_new_wrapped (iov, 3, (gpointer) "owner", on_drop));
  iov[1].iov_len = G_MAXSIZE;
  g_assert_null (wzp_frame_new_wrapped (iov, 2, (gpointer) "owner", on_drop));
  g_assert_cmpuint (n_dropped, ==, 1);

  frame = wzp_frame_new_wrapped (NULL, 0, NULL, NULL);
  g_assert_cmpuint (frame->meta.size, ==, 0);
  wzp_frame_unref (frame);
}

static void
test_take (WzpTest *test, gconstpointer data)
{
  guint8 *bytes = g_malloc (5);
  WzpFrame *frame = wzp_frame_new_take (bytes, 5);

  g_assert_cmpuint (frame->meta.size, ==, 5);
  g_assert_cmpuint (frame->n_iov, ==, 1);
  g_assert_true (frame->iov[0].iov_base == bytes);

  wzp_frame_ref (frame);
  g_assert_null (wzp_frame_steal_data (frame));
  wzp_frame_unref (frame);
  g_assert_true (wzp_frame_steal_data (frame) == bytes);
  g_free (bytes);

  frame = wzp_frame_new_take (g_malloc (1), 1);
  wzp_frame_unref (frame);

  frame = wzp_frame_new_take (NULL, 0);
  g_assert_cmpuint (frame->meta.size, ==, 0);
  g_assert_null (wzp_frame_steal_data (frame));
  wzp_frame_unref (frame);
}

static void
test_steal_wrapped (WzpTest *test, gconstpointer data)
{
  guint8 *owner = g_malloc (8);
  struct iovec iov = { owner + 4, 4 };
  g_autoptr (WzpFrame) frame = wzp_frame_new_wrapped (&iov, 1, owner, g_free);

  /* The caller would free an address inside the allocation. */
  g_assert_null (wzp_frame_steal_data (frame));
}

static void
test_slice (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpFrame) frame = new_alphabet ();
  struct iovec out[WZP_FRAME_MAX_IOV];

  for (gsize offset = 0; offset <= 10; offset++)
    for (gsize len = 0; len <= 12; len++) {
      gsize expected = MIN (len, 10 - offset);
      g_autoptr (GString) text = g_string_new (NULL);
      gsize covered = 99;
      guint n = wzp_frame_slice (
          frame, offset, len, out, WZP_FRAME_MAX_IOV, &covered);

      for (guint i = 0; i < n; i++) {
        g_assert_cmpuint (out[i].iov_len, >, 0);
        g_string_append_len (text, out[i].iov_base, (gssize) out[i].iov_len);
      }
      g_assert_cmpuint (covered, ==, expected);
      g_assert_cmpmem (text->str, text->len, &"abcdefghij"[offset], expected);
    }
}

static void
test_slice_short_of_room (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpFrame) frame = new_alphabet ();
  struct iovec out[2] = { 0 };
  gsize covered;

  g_assert_cmpuint (wzp_frame_slice (frame, 1, 9, out, 2, &covered), ==, 2);
  g_assert_cmpuint (covered, ==, 3);
  g_assert_cmpmem (out[0].iov_base, out[0].iov_len, "bc", 2);
  g_assert_cmpmem (out[1].iov_base, out[1].iov_len, "d", 1);
  g_assert_cmpuint (wzp_frame_slice (frame, 1, 9, out, 0, &covered), ==, 0);
  g_assert_cmpuint (covered, ==, 0);
}

static gpointer
unref_often (gpointer data)
{
  for (guint i = 0; i < 10000; i++)
    wzp_frame_unref (wzp_frame_ref (data));
  wzp_frame_unref (data);
  return NULL;
}

static void
test_two_threads (WzpTest *test, gconstpointer data)
{
  char bytes[] = "x";
  struct iovec iov = { bytes, 1 };
  WzpFrame *frame =
      wzp_frame_new_wrapped (&iov, 1, (gpointer) "owner", on_drop);
  GThread *thread;

  n_dropped = 0;
  thread = g_thread_new ("unref", unref_often, wzp_frame_ref (frame));
  unref_often (frame);
  g_thread_join (thread);
  g_assert_cmpuint (n_dropped, ==, 1);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/frame/wrapped", NULL, test_wrapped);
  wzp_test_add ("/frame/bounds", NULL, test_bounds);
  wzp_test_add ("/frame/take", NULL, test_take);
  wzp_test_add ("/frame/steal-wrapped", NULL, test_steal_wrapped);
  wzp_test_add ("/frame/slice", NULL, test_slice);
  wzp_test_add ("/frame/slice-short-of-room", NULL, test_slice_short_of_room);
  wzp_test_add ("/frame/two-threads", NULL, test_two_threads);
  return wzp_test_run ();
}
