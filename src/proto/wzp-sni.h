/* wzp-sni: what the TLS server name of a connection says it is for. Pure.
 *
 *   _signal            signalling, client to relay
 *   _federation        relay to relay
 *   call-<id>          a call's media room on the relay
 *   call-call-<id>     a direct connection to a peer ("call-" + room)
 *   other names        an open room; 1-63 of letters, digits, '.', '-', '_'
 *
 * A call id is 1-63 of the same characters and does not begin with "call-".
 * A call that was set up without the relay's signalling (mode=app) has an id
 * that names its two parties, so that the relay can admit them without having
 * seen an offer: "<nonce>.<hex fingerprint>.<hex fingerprint>" (nonce 1-32 hex
 * digits; smaller fingerprint first); it may be up to 100 characters long. */
#pragma once

#include "wzp-fingerprint.h"

G_BEGIN_DECLS

#define WZP_SNI_SIGNAL      "_signal"
#define WZP_SNI_FEDERATION  "_federation"
#define WZP_ROOM_MAX_LEN    63u  /* bytes: open rooms, and plain call ids */
#define WZP_CALL_ID_MAX_LEN 100u /* bytes: self-naming call ids */
#define WZP_ALIAS_MAX_LEN   63u  /* bytes; same letters as an open room */

typedef enum {
  WZP_SNI_INVALID,
  WZP_SNI_KIND_SIGNAL,
  WZP_SNI_KIND_FEDERATION,
  WZP_SNI_KIND_CALL_ROOM,
  WZP_SNI_KIND_DIRECT,
  WZP_SNI_KIND_OPEN_ROOM,
} WzpSniKind;

/* @ret_name (nullable): points into @sni at the call id (CALL_ROOM, DIRECT)
 * or at the room's name (OPEN_ROOM), else NULL. @sni may be NULL: INVALID. */
WzpSniKind wzp_sni_classify (const char *sni, const char **ret_name);
gboolean wzp_call_id_is_valid (const char *call_id); /* NULL: FALSE */
/* Of an open room: FALSE for what would be read as a call's. NULL: FALSE. */
gboolean wzp_room_name_is_valid (const char *name);
/* What a peer is called by on a relay: letters of a room name, and "call-" is
 * no special beginning. NULL: FALSE. */
gboolean wzp_alias_is_valid (const char *alias);
/* @call_id must be valid. Transfer full. */
char *wzp_sni_for_call_room (const char *call_id); /* "call-<id>" */
char *wzp_sni_for_direct (const char *call_id);    /* "call-call-<id>" */
/* @nonce: 1-32 hex digits. Order of @a and @b does not matter. With equal ones
 * (a call to oneself) the id is not valid. */
char *wzp_call_id_new_self_naming (
    const char *nonce, const WzpFingerprint *a, const WzpFingerprint *b);
/* FALSE: not a self-naming id (its fingerprints in lower case, the smaller
 * first). */
gboolean wzp_call_id_get_parties (
    const char *call_id, WzpFingerprint *ret_a, WzpFingerprint *ret_b);

G_END_DECLS
