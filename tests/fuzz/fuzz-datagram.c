/* The head of a media datagram: the same after write and parse. */
#include "fuzz.h"

#include "wzp-datagram.h"

static void
check_prefix (const WzpDatagramPrefix *prefix)
{
  guint8 buf[WZP_DATAGRAM_MAX_PREFIX];
  const gsize len = wzp_datagram_write_prefix (
      buf, prefix->flags, prefix->number, prefix->flow);
  WzpDatagramPrefix back;

  g_assert (len > 0 && len <= prefix->prefix_len);
  g_assert (wzp_datagram_parse_prefix (buf, len, &back));
  g_assert (back.flags == (prefix->flags & (guint8) ~WZP_DATAGRAM_RESERVED));
  g_assert (back.number == prefix->number);
  g_assert (back.flow == prefix->flow && back.prefix_len == len);
}

static void
check_head (const WzpDatagramPrefix *prefix, const WzpMediaHead *head)
{
  guint8 buf[WZP_DATAGRAM_MAX_HEADER];
  gsize head_len, len = wzp_datagram_write_media (buf, head);
  const WzpFrameMeta *a = &head->meta, *b;
  WzpMediaHead back;

  g_assert (
      len > 0 && len + WZP_DATAGRAM_MAX_PREFIX <= WZP_DATAGRAM_MAX_HEADER);
  g_assert (wzp_datagram_parse_media (prefix, buf, len, &back, &head_len));
  b = &back.meta;
  g_assert (head_len == len && back.frame == head->frame);
  g_assert (back.is_start == head->is_start && back.offset == head->offset);
  g_assert (a->flags == b->flags && a->generation == b->generation);
  g_assert (a->size == b->size && a->size <= WZP_FRAME_SIZE_MAX);
  g_assert (a->pts == b->pts && a->dts == b->dts);
  g_assert (a->duration == b->duration);
  g_assert (a->pts <= WZP_TIME_MAX || a->pts == WZP_TIME_NONE);
  g_assert (a->dts <= WZP_TIME_MAX || a->dts == WZP_TIME_NONE);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  WzpDatagramPrefix prefix;
  WzpMediaHead head;
  gsize len;

  if (!wzp_datagram_parse_prefix (data, size, &prefix))
    return 0;
  g_assert (prefix.prefix_len <= size);
  check_prefix (&prefix);
  data += prefix.prefix_len;
  size -= prefix.prefix_len;
  if (wzp_datagram_parse_media (&prefix, data, size, &head, &len)) {
    g_assert (len <= size);
    g_assert (head.offset + (size - len) <= WZP_FRAME_SIZE_MAX);
    check_head (&prefix, &head);
  }
  return 0;
}
