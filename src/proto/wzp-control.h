/* wzp-control: the messages of a call's control channel, as values and bytes.
 *
 * One message: varint type, then its fields. Reliable ones travel in the
 * channel of media/wzp-control-channel, in order; PROBE, PROBE_ACK, FEEDBACK and GO
 * travel alone in a control datagram of their own and are bound to the path
 * they came by. An unknown type is skipped by its receiver. Pure.
 *
 *   HELLO          varint version, window, latency_ms
 *   FLOW_OPEN      varint flow, generation; text name, caps, tags
 *   FLOW_EOS       varint flow, frame
 *   FLOW_CLOSE     varint flow
 *   KEY_REQUEST    varint flow
 *   NOMINATE       varint epoch, n, path
 *   NOMINATE_ACK   varint epoch, n
 *   SUSPECT        varint path
 *   REPORT         varint flow, received, lost, dropped
 *   BYE            varint reason; text text
 *   FLOW_LATENCY   varint flow, latency_ms
 *   PORTS          varint port (1 to 65535), step, is_exact (0 or 1)
 *   PROBE(_ACK)    varint path, seq; zeros to the end
 *   FEEDBACK       varint seq, received
 *   GO             varint n
 *
 * A text is a varint length and that many bytes of UTF-8 without NUL; a path
 * is 1 (relay) or 2 (direct), a flow 1 to WZP_FLOW_ID_MAX. Bytes behind the
 * last field are ignored, so that later versions may add fields. */
#pragma once

#include "wzp-datagram.h"

G_BEGIN_DECLS

#define WZP_CONTROL_MAX_MESSAGE (64u * 1024u) /* bytes */
#define WZP_FLOW_NAME_MAX       63u           /* bytes */

typedef enum {
  WZP_CONTROL_HELLO = 1,     /* first message of each side */
  WZP_CONTROL_FLOW_OPEN = 2, /* describes a flow; again with a higher generation
                              * when caps or tags change */
  WZP_CONTROL_FLOW_EOS = 3,  /* no frame at or after `frame` will come */
  WZP_CONTROL_FLOW_CLOSE = 4,
  WZP_CONTROL_KEY_REQUEST = 5,
  WZP_CONTROL_NOMINATE = 6,
  WZP_CONTROL_NOMINATE_ACK = 7,
  WZP_CONTROL_SUSPECT = 8,
  WZP_CONTROL_REPORT = 9,    /* receiver report of one flow */
  WZP_CONTROL_BYE = 10,
  WZP_CONTROL_FLOW_LATENCY = 11, /* the receiver's budget for a flow */
  WZP_CONTROL_PORTS = 12, /* the NAT in front of us gives ports in a row: the
                           * next one, and how far apart they are; exact: we
                           * have sent to no other place since, and will send
                           * to none but where the peer says */
  /* not in the reliable channel: */
  WZP_CONTROL_PROBE = 32,
  WZP_CONTROL_PROBE_ACK = 33,
  WZP_CONTROL_FEEDBACK = 34, /* what came by the relay path */
  WZP_CONTROL_GO = 35,       /* punching: round n begins; of an Acceptor, with
                              * n 0: let one begin */
} WzpControlType;

typedef enum {
  WZP_PATH_NONE,
  WZP_PATH_RELAY,
  WZP_PATH_DIRECT,
} WzpPath;

const char *wzp_path_to_string (WzpPath path); /* "none", "relay", "direct" */

typedef struct {
  WzpControlType type; /* or any other value: unknown, skipped */

  guint32 flow;       /* FLOW_*, KEY_REQUEST, REPORT */
  guint32 generation; /* FLOW_OPEN */
  char *name;         /* FLOW_OPEN, owned: the flow's name, UTF-8 */
  char *caps;         /* FLOW_OPEN, owned: UTF-8 */
  char *tags;         /* FLOW_OPEN, owned, nullable (empty on the wire) */
  guint64 frame;      /* FLOW_EOS: first frame number that will not come */
  guint64 epoch, n;   /* NOMINATE, NOMINATE_ACK; GO: n */
  WzpPath path;       /* NOMINATE, SUSPECT, PROBE, PROBE_ACK */
  guint64 seq;        /* PROBE, PROBE_ACK; FEEDBACK: highest number */
  guint32 padding;    /* PROBE, PROBE_ACK: bytes of zeros behind the fields */
  guint32 window;     /* HELLO: bytes the sender of HELLO can take in flight */
  guint32 version;    /* HELLO: 1 */
  guint32 latency_ms; /* HELLO, FLOW_LATENCY */
  guint64 received, lost, dropped; /* REPORT: datagrams or frames so far;
                                    * FEEDBACK: received, bytes so far */
  guint32 port, step; /* PORTS */
  gboolean is_exact;  /* PORTS */
  guint32 reason;     /* BYE: WzpHangupReason */
  char *text;         /* BYE, owned, nullable: for people */
} WzpControl;

void wzp_control_clear (WzpControl *control);
/* Bytes of one message (transfer full); NULL and WZP_ERROR_TOO_LARGE when over
 * WZP_CONTROL_MAX_MESSAGE, or a number or the name is over its limit. */
GBytes *wzp_control_write (const WzpControl *control, GError **error);
/* WZP_ERROR_PROTOCOL on malformed; @ret_control is then untouched. Zero padding
 * behind PROBE and PROBE_ACK is accepted. Control characters in name and text
 * become spaces. The caller clears @ret_control. */
gboolean wzp_control_parse (
    const guint8 *data, gsize len, WzpControl *ret_control, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WzpControl, wzp_control_clear)

G_END_DECLS
