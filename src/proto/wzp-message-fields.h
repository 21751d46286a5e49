/* wzp-message-fields: which fields each signalling message has, for the parser
 * and the writer of wzp-message alike. Only they include it. Pure. */
#pragma once

#include "wzp-message.h"

G_BEGIN_DECLS

typedef enum {
  WZP_FIELD_STRING,
  WZP_FIELD_ADDR,        /* text; whether it may be dialled is not its matter */
  WZP_FIELD_CALL_ID,     /* valid by wzp-sni */
  WZP_FIELD_ROOM,        /* the same */
  WZP_FIELD_ALIAS,       /* the same */
  WZP_FIELD_NICKNAME,    /* an alias, dropped where it is not a valid one: peers
                          * of other makes send any text there */
  WZP_FIELD_ADDRS,       /* char ** */
  WZP_FIELD_FINGERPRINTS, /* char **, as printed */
  WZP_FIELD_BOOL,        /* gboolean */
  WZP_FIELD_UINT,        /* guint64 */
  WZP_FIELD_PORT,        /* the same; 0 is left out where it is optional */
  WZP_FIELD_BYTES,       /* `size` of them; sets the member at `has` */
  WZP_FIELD_FINGERPRINT, /* sets the member at `has` */
  WZP_FIELD_ENUM,        /* index into `names` */
  WZP_FIELD_REASON,      /* the same; an unknown one is the last: it ends the
                          * call all the same */
  WZP_FIELD_EXTENSION,   /* the object `wzp` */
  WZP_FIELD_PROFILE,     /* written for reference peers, never read */
  WZP_FIELD_PROFILES,    /* the same, in an array */
  WZP_FIELD_PARTICIPANTS, /* the members `participants`, `n_participants` */
  WZP_FIELD_INNER,       /* WzpMessage *, owned */
} WzpFieldKind;

typedef struct {
  WzpMessageType type;      /* of the message that has the field */
  const char *name;         /* on the wire */
  WzpFieldKind kind;
  gboolean is_optional;
  gsize offset;             /* of the member of WzpMessage */
  gsize has;                /* of its member has_...; BYTES, FINGERPRINT */
  gsize size;               /* bytes; BYTES */
  const char *const *names; /* NULL-terminated; ENUM, REASON */
} WzpField;

/* Fields of one message stand together, in the order in which they are
 * written. */
extern const WzpField wzp_message_fields[];
extern const guint wzp_message_n_fields;

G_END_DECLS
