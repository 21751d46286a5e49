/* wzp-stream-frame: cuts the byte stream of a signalling stream into messages.
 *
 * Wire format: a 32-bit big-endian length, then that many bytes. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WZP_STREAM_FRAME_HEADER_LEN  4u             /* bytes */
#define WZP_STREAM_FRAME_MAX_PAYLOAD (64u * 1024u)  /* bytes, ours */

typedef struct _WzpFrameReader WzpFrameReader;

WzpFrameReader *wzp_frame_reader_new (void);
void wzp_frame_reader_free (WzpFrameReader *self);
void wzp_frame_reader_push (
    WzpFrameReader *self, const void *data, gsize len);
/* The next whole payload (transfer full), or NULL: none yet, or (with @error,
 * each time) WZP_ERROR_TOO_LARGE, after which it stays NULL and the reader
 * keeps no more bytes. */
GBytes *wzp_frame_reader_pop (WzpFrameReader *self, GError **error);
/* Whether bytes of an unfinished frame are held: the stream was cut short. */
gboolean wzp_frame_reader_is_partial (const WzpFrameReader *self);
/* Header and payload in one. @len at most WZP_STREAM_FRAME_MAX_PAYLOAD. */
GBytes *wzp_stream_frame_new (const void *payload, gsize len);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpFrameReader, wzp_frame_reader_free)

G_END_DECLS
