/* wzp-link: one path of a call: the QUIC connection it runs over, sealing where
 * a relay is in between and both sides can, and how large a datagram may be.
 * The session thread. */
#pragma once

#include "wzp-conn.h"
#include "wzp-control.h"
#include "wzp-packetizer.h"
#include "wzp-seal.h"

G_BEGIN_DECLS

/* The relay's other leg may have a smaller MTU than ours: until a PROBE of a
 * size was answered, datagrams stay below this. Bytes. */
#define WZP_LINK_RELAY_SAFE_SIZE 1120u
/* Sequence numbers of such PROBEs: this and the size that was tried. */
#define WZP_LINK_MTU_SEQ          (G_GUINT64_CONSTANT (1) << 40)
#define WZP_LINK_MTU_PROBE_US     (500 * 1000)
#define WZP_LINK_MTU_PROBES       3u /* of one size */
/* What a datagram carries more between two relays: where none of our own size
 * gets through, one that is smaller by this may. */
#define WZP_LINK_FEDERATION_TAG   8u

typedef struct _WzpLink WzpLink;

typedef struct {
  /* An authentic datagram: its prefix, and the opened text behind it. */
  void (*received) (WzpLink *link, const WzpDatagramPrefix *prefix,
      const guint8 *text, gsize len, gpointer user_data);
  /* The next media packet to send here, of at most @max_size bytes. */
  gboolean (*pull) (
      WzpLink *link, gsize max_size, WzpPacket *ret_packet, gpointer user_data);
  void (*closed) (
      WzpLink *link, const WzpCloseInfo *info, gpointer user_data);
} WzpLinkHandler;

/* Takes @conn (established) and becomes its handler. @seal_out, @seal_in: both
 * borrowed, or both NULL: not sealed (direct, and a relay where one side cannot
 * seal). */
WzpLink *wzp_link_new (WzpPath path, WzpConn *conn, WzpSeal *seal_out,
    WzpSeal *seal_in, const WzpLinkHandler *handler, gpointer user_data);
/* Closes the connection with WZP_CLOSE_NORMAL if it still is open. */
void wzp_link_free (WzpLink *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpLink, wzp_link_free)

WzpPath wzp_link_get_path (const WzpLink *self);
WzpConn *wzp_link_get_conn (const WzpLink *self); /* borrowed */
void wzp_link_close (WzpLink *self, WzpCloseCode code, const char *reason);

/* Bytes of control text that fit one datagram now; 0: closed. */
gsize wzp_link_get_max_text (const WzpLink *self);
/* Sends control text; FALSE: dropped (queue full, closed). */
gboolean wzp_link_send_control (
    WzpLink *self, guint64 number, const guint8 *text, gsize len);
/* Sends a media packet that another link was given too; dropped when it does
 * not fit. */
gboolean wzp_link_send_copy (WzpLink *self, const WzpPacket *packet);
/* There is media: pull() will be called as the congestion window allows. */
void wzp_link_want_pull (WzpLink *self);

/* Text size of the PROBE to send now, to find out whether the whole path takes
 * larger datagrams; 0: none is due. Counts as sent. */
gsize wzp_link_next_mtu_probe (WzpLink *self, gint64 now_us);
/* A PROBE_ACK with a WZP_LINK_MTU_SEQ number came. */
void wzp_link_confirm_mtu (WzpLink *self, guint64 seq);
/* What went through before may not any more: back to the safe size, and to
 * probing. */
void wzp_link_doubt_mtu (WzpLink *self);

/* Head and text of @packet as iovecs, returns how many. @seal: nullable: sealed
 * into @out, which has room for the text and WZP_SEAL_TAG_LEN. For a room's
 * link too. */
int wzp_link_lay_out (const WzpPacket *packet, WzpSeal *seal, guint8 *out,
    struct iovec iov[WZP_CONN_MAX_PULL_IOV]);

/* Datagrams that did not parse or authenticate. */
guint64 wzp_link_get_bad (const WzpLink *self);

G_END_DECLS
