/* wzp-frame: one media frame (a GStreamer buffer, seen from below): its bytes
 * as a list of memory pieces, and its metadata.
 *
 * Immutable after it was filled, reference counted by atomics: made in a
 * streaming thread, sent and freed in the session thread, or the reverse. */
#pragma once

#include "wzp-datagram.h"

#include <sys/uio.h>

G_BEGIN_DECLS

#define WZP_FRAME_MAX_IOV 8u /* pieces of memory of one frame */

typedef struct _WzpFrame {
  WzpFrameMeta meta;     /* meta.size is the sum of the pieces */
  const struct iovec *iov;
  guint n_iov;
  gint64 queued_us;      /* when it entered a queue; monotonic */

  /*< private >*/
  gatomicrefcount refs;
  gpointer owner;
  GDestroyNotify owner_notify;
  struct iovec inline_iov[WZP_FRAME_MAX_IOV];
} WzpFrame;

/* Wraps memory that @owner keeps alive; @notify drops it, in whatever thread
 * drops the last reference. Times of the meta begin as NONE. NULL when there are
 * more than WZP_FRAME_MAX_IOV pieces or WZP_FRAME_SIZE_MAX bytes (then @owner
 * is not taken). Copies the iovecs, not the bytes. */
WzpFrame *wzp_frame_new_wrapped (const struct iovec *iov, guint n_iov,
    gpointer owner, GDestroyNotify notify);
/* Wraps g_malloc()ed memory of one piece; takes it. @size may be 0, @data NULL
 * then. */
WzpFrame *wzp_frame_new_take (guint8 *data, gsize size);
WzpFrame *wzp_frame_ref (WzpFrame *frame);
void wzp_frame_unref (WzpFrame *frame);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpFrame, wzp_frame_unref)
/* For a frame of wzp_frame_new_take() with one reference: frees the frame and
 * returns its memory (g_free). NULL otherwise, and with no memory to return;
 * nothing is freed then. */
guint8 *wzp_frame_steal_data (WzpFrame *frame);

/* The pieces of @len bytes from @offset: fills at most @max_out of @out,
 * returns how many; *ret_len is how many bytes they cover (may be less than
 * @len when there are more pieces than room). */
guint wzp_frame_slice (const WzpFrame *frame, gsize offset, gsize len,
    struct iovec *out, guint max_out, gsize *ret_len);

G_END_DECLS
