/* wzp-tls-server-name: the server name out of a ClientHello, whatever it is
 * made of.
 *
 * GnuTLS refuses a ClientHello whose server name has an underscore (up to 3.8
 * at least), and ours begin with one. So the name is read here, and what GnuTLS
 * would refuse is replaced by dashes in its own copy of the message: after the
 * copy went into the transcript hash and before the extension is looked at. */
#pragma once

#include <gnutls/gnutls.h>
#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  char *name;          /* owned, or NULL: none, or not printable */
  guint8 *message;     /* the ClientHello in GnuTLS's memory, or NULL */
  gsize message_len;
  gsize offset, len;   /* of the name in it */
} WzpTlsServerName;

void wzp_tls_server_name_clear (WzpTlsServerName *self);
/* From the hook that runs before the message is hashed. */
void wzp_tls_server_name_read (
    WzpTlsServerName *self, const gnutls_datum_t *client_hello);
/* From a callback that got @inside, a piece of the same message, and that runs
 * after it was hashed. */
void wzp_tls_server_name_mask (WzpTlsServerName *self, const guint8 *inside);

G_END_DECLS
