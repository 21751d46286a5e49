/* wzp-error: the error domain of everything below the elements.
 *
 * Errors of the system (sockets, files) keep G_IO_ERROR and are passed up
 * unchanged. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  WZP_ERROR_FAILED,      /* none of the others; the message says what */
  WZP_ERROR_INVALID,     /* an argument, URI, address or file is malformed */
  WZP_ERROR_PROTOCOL,    /* the peer broke it; the bytes are at fault */
  WZP_ERROR_TOO_LARGE,   /* over a limit of ours; the message says which */
  WZP_ERROR_TIMED_OUT,   /* the deadline passed before an answer came */
  WZP_ERROR_UNREACHABLE, /* nothing answers there */
  WZP_ERROR_NOT_FOUND,   /* the name called is not registered */
  WZP_ERROR_IDENTITY,    /* a key is not the one that was expected */
  WZP_ERROR_REJECTED,    /* the peer or the relay said no */
  WZP_ERROR_BUSY,        /* a name, port or peer is taken */
  WZP_ERROR_CLOSED,      /* the other side ended it, or it was ended here */
} WzpErrorCode;

#define WZP_ERROR (wzp_error_quark ())
GQuark wzp_error_quark (void);

#define WZP_EXCERPT_MAX_LEN 64u /* bytes of the text that are looked at */

/* A stranger's text as it may stand in a message or a log (transfer full): its
 * beginning, control characters and invalid UTF-8 replaced. */
char *wzp_error_excerpt (const char *text);

G_END_DECLS
