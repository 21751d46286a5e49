/* wzp-punch: the small packets that two peers send each other at the same time,
 * so that the NAT or firewall in front of each lets the other's in.
 *
 *   offset  bytes
 *        0      1  WZP_PUNCH_FIRST_BYTE: not QUIC, STUN, DTLS or RTP (RFC 9443,
 *                  section 3: 4 to 15 belong to nobody)
 *        1      1  version, 1
 *        2      1  kind: 1 punch, 2 answer
 *        3      1  role of the sender: 0 Acceptor, 1 Dialer
 *        4      8  tag of the call: the first bytes of
 *                  HMAC-SHA256 (punch key, "tag")
 *       12      4  number, big-endian: 1, 2, 3 ..., a new one for each packet
 *       16      4  echo, big-endian: the highest number heard of the peer, or 0
 *       20     16  the first bytes of HMAC-SHA256 (punch key, bytes 0 to 19)
 *
 * Nobody but the two peers of a call can make one or tell whose it is. It
 * proves who sent it, not that it came from where it seems to come from: it may
 * have been caught and sent on by somebody else, once (WzpPunchWindow).
 * Pure. */
#pragma once

#include "wzp-role.h"

G_BEGIN_DECLS

#define WZP_PUNCH_FIRST_BYTE  0x07u
#define WZP_PUNCH_VERSION     1u
#define WZP_PUNCH_LEN         36u /* bytes */
#define WZP_PUNCH_TAG_LEN     8u
#define WZP_PUNCH_MAC_LEN     16u
#define WZP_PUNCH_SECRET_LEN  32u /* WZP_PUNCH_KEY_LEN of WzpCallKeys */
#define WZP_PUNCH_WINDOW      64u /* numbers behind the highest that may come */

typedef enum {
  WZP_PUNCH_KIND_PUNCH = 1,
  WZP_PUNCH_KIND_ANSWER = 2, /* to a punch; never answered itself */
} WzpPunchKind;

typedef struct {
  WzpPunchKind kind;
  WzpRole role; /* of its sender */
  guint32 number, echo;
} WzpPunch;

/* What a call writes and checks punches with. Plain memory; a secret. */
typedef struct {
  guint8 secret[WZP_PUNCH_SECRET_LEN];
  guint8 tag[WZP_PUNCH_TAG_LEN];
} WzpPunchKey;

void wzp_punch_key_init (
    WzpPunchKey *key, const guint8 secret[WZP_PUNCH_SECRET_LEN]);
void wzp_punch_key_wipe (WzpPunchKey *key);

void wzp_punch_write (const WzpPunchKey *key, const WzpPunch *punch,
    guint8 ret_bytes[WZP_PUNCH_LEN]);
/* Whether the packet claims to be of this call: cheap, proves nothing. */
gboolean wzp_punch_is_of (
    const WzpPunchKey *key, const guint8 *data, gsize len);
/* FALSE: malformed or not authentic; @ret_punch is then untouched. The time it
 * takes says nothing about the MAC. */
gboolean wzp_punch_parse (const WzpPunchKey *key, const guint8 *data, gsize len,
    WzpPunch *ret_punch);

/* Which numbers have come. All zero at first. */
typedef struct {
  guint32 highest; /* 0: none yet */
  guint64 seen;    /* bit i: highest - i */
} WzpPunchWindow;

/* TRUE: new, and noted. FALSE: 0, a repeat or too old. */
gboolean wzp_punch_window_take (WzpPunchWindow *window, guint32 number);

G_END_DECLS
