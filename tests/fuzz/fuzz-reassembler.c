/* Fragments of one flow in any order, true and false ones, with time, ends and
 * holds between them: the bounds hold, nothing is handed out that was not put
 * in, and pop() says when to call it again.
 *
 * A record is an operation of one byte and what it takes:
 *   0  fragment: flags (1 start, 2 end, 4 far ahead), frame, offset (2 bytes,
 *      big-endian), length (2), size (2)
 *   1  time passes: milliseconds, and pop
 *   2  end: frame
 *   3  hold: milliseconds
 *   4  join late */
#include "fuzz.h"

#include "wzp-reassembler.h"
#include "wzp-varint.h"

#include <string.h>

#define BUDGET (128u * 1024u)

static guint8 pattern[2 * 65536];

static void
push (WzpReassembler *reassembler, WzpReader *r, gint64 now_us)
{
  guint8 flags = wzp_reader_u8 (r);
  WzpMediaHead head = { .is_start = (flags & 1) != 0 };
  guint16 len;

  head.frame = wzp_reader_u8 (r);
  if ((flags & 4) != 0)
    head.frame <<= 40;
  head.offset = wzp_reader_u16 (r);
  len = wzp_reader_u16 (r);
  head.meta.size = wzp_reader_u16 (r);
  wzp_reassembler_push (reassembler, &head,
      (flags & 2) != 0 ? WZP_DATAGRAM_FRAME_END : 0,
      pattern + (head.is_start ? 0 : head.offset), len, now_us);
}

static void
pop (WzpReassembler *reassembler, gint64 now_us)
{
  WzpFrame *frame;
  guint64 lost;
  gint64 deadline_us;

  while ((frame = wzp_reassembler_pop (reassembler, now_us, &lost)) != NULL) {
    g_assert (frame->n_iov == 1);
    g_assert (frame->iov[0].iov_len == frame->meta.size);
    g_assert (frame->meta.size == 0 ||
        memcmp (frame->iov[0].iov_base, pattern, frame->meta.size) == 0);
    wzp_frame_unref (frame);
  }
  deadline_us = wzp_reassembler_get_deadline (reassembler);
  g_assert (deadline_us == -1 || deadline_us > now_us);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  WzpReassemblyBudget budget = { .max = BUDGET };
  WzpReassembler *reassembler = wzp_reassembler_new (&budget);
  gint64 now_us = 1;
  WzpReader r;

  for (gsize i = 0; i < sizeof pattern; i++)
    pattern[i] = (guint8) (i * 7 + i / 251);
  wzp_reader_init (&r, data, size);
  while (wzp_reader_left (&r) > 0) {
    switch (wzp_reader_u8 (&r)) {
      case 0:
        push (reassembler, &r, now_us);
        break;
      case 1:
        now_us += wzp_reader_u8 (&r) * G_TIME_SPAN_MILLISECOND;
        pop (reassembler, now_us);
        break;
      case 2:
        wzp_reassembler_set_end (reassembler, wzp_reader_u8 (&r));
        break;
      case 3:
        wzp_reassembler_set_hold (
            reassembler, wzp_reader_u8 (&r) * G_TIME_SPAN_MILLISECOND);
        break;
      case 4:
        wzp_reassembler_set_join_late (reassembler, TRUE);
        break;
      default:
        break;
    }
    g_assert (budget.used <= budget.max);
  }
  wzp_reassembler_free (reassembler);
  g_assert (budget.used == 0);
  return 0;
}
