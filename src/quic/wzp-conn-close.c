/* How a connection ends, and how that is told. */
#include "wzp-conn-private.h"

#include <string.h>

/* The peer's text as one line of at most WZP_CONN_MAX_REASON bytes. */
static char *
clean_text (const guint8 *text, gsize len)
{
  g_autofree char *cut =
      g_strndup (len > 0 ? (const char *) text : "", /* NULL: no text came */
          MIN (len, WZP_CONN_MAX_REASON));
  char *valid = g_utf8_make_valid (cut, -1);

  for (char *c = valid; *c != '\0'; c++)
    if (g_ascii_iscntrl (*c))
      *c = ' ';
  return g_strstrip (valid);
}

/* "bad certificate" for 42. */
static char *
name_alert (guint8 alert)
{
  const char *symbol = gnutls_alert_get_strname (alert);
  char *name;

  if (symbol == NULL)
    return g_strdup ("unknown");
  if (g_str_has_prefix (symbol, "GNUTLS_A_"))
    symbol += strlen ("GNUTLS_A_");
  name = g_ascii_strdown (symbol, -1);
  return g_strdelimit (name, "_", ' ');
}

static void
set_info (WzpConn *conn, const WzpCloseInfo *values, WzpErrorCode error_code,
    char *reason)
{
  g_free (conn->close_info.reason);
  g_clear_error (&conn->close_info.error);
  conn->close_info = *values;
  conn->close_info.reason = reason;
  conn->close_info.error = g_error_new_literal (WZP_ERROR, error_code, reason);
}

/* What the peer's QUIC said. */

static WzpErrorCode
classify_alert (guint8 alert)
{
  switch (alert) {
    case GNUTLS_A_BAD_CERTIFICATE:
    case GNUTLS_A_UNSUPPORTED_CERTIFICATE:
    case GNUTLS_A_CERTIFICATE_REVOKED:
    case GNUTLS_A_CERTIFICATE_EXPIRED:
    case GNUTLS_A_CERTIFICATE_UNKNOWN:
    case GNUTLS_A_UNKNOWN_CA:
    case GNUTLS_A_ACCESS_DENIED:
    case GNUTLS_A_CERTIFICATE_REQUIRED:
    case GNUTLS_A_UNRECOGNIZED_NAME:
      return WZP_ERROR_REJECTED;
    default:
      return WZP_ERROR_PROTOCOL;
  }
}

static WzpErrorCode
classify_application (guint64 code)
{
  switch (code) {
    case WZP_CLOSE_REFUSED:
      return WZP_ERROR_REJECTED;
    case WZP_CLOSE_BUSY:
      return WZP_ERROR_BUSY;
    case WZP_CLOSE_PROTOCOL:
      return WZP_ERROR_PROTOCOL;
    default:
      return WZP_ERROR_CLOSED;
  }
}

static WzpErrorCode
classify_transport (guint64 code)
{
  switch (code) {
    case NGTCP2_NO_ERROR:
    case NGTCP2_APPLICATION_ERROR: /* closed during the handshake */
      return WZP_ERROR_CLOSED;
    case NGTCP2_CONNECTION_REFUSED:
      return WZP_ERROR_REJECTED;
    default:
      return WZP_ERROR_PROTOCOL;
  }
}

static void
tell_remote_close (WzpConn *conn, const ngtcp2_ccerr *ccerr)
{
  WzpCloseInfo info = { .is_remote = TRUE, .code = ccerr->error_code };
  g_autofree char *text = clean_text (ccerr->reason, ccerr->reasonlen);
  g_autofree char *alert = NULL;
  const char *colon = text[0] != '\0' ? ": " : "";

  info.is_application = ccerr->type == NGTCP2_CCERR_TYPE_APPLICATION;
  if (info.is_application) {
    set_info (conn, &info, classify_application (info.code),
        text[0] != '\0'
            ? g_strdup_printf ("the peer said: %s", text)
            : g_strdup_printf (
                  "the peer closed (code %" G_GUINT64_FORMAT ")", info.code));
  } else if (info.code >= NGTCP2_CRYPTO_ERROR &&
      info.code <= NGTCP2_CRYPTO_ERROR + 0xff) {
    info.tls_alert = info.code - NGTCP2_CRYPTO_ERROR;
    alert = name_alert (info.tls_alert);
    set_info (conn, &info, classify_alert (info.tls_alert),
        g_strdup_printf ("the peer sent TLS alert %u (%s)%s%s", info.tls_alert,
            alert, colon, text));
  } else if (info.code == NGTCP2_APPLICATION_ERROR ||
      info.code == NGTCP2_NO_ERROR) {
    set_info (conn, &info, WZP_ERROR_CLOSED,
        g_strdup_printf ("the peer closed%s%s", colon, text));
  } else {
    set_info (conn, &info, classify_transport (info.code),
        g_strdup_printf ("the peer closed with QUIC error 0x%" G_GINT64_MODIFIER
                         "x%s%s",
            info.code, colon, text));
  }
}

/* What was found here. */

static void
tell_timeout (WzpConn *conn, char *reason, WzpErrorCode error_code)
{
  const WzpCloseInfo info = { .is_timeout = TRUE };

  set_info (conn, &info, error_code, reason);
}

/* Ends at once, nothing is sent. */
static void
drop (WzpConn *conn)
{
  wzp_conn_set_state (conn, WZP_CONN_GONE);
}

static guint64
compute_end (WzpConn *conn)
{
  return conn->now_ns + 3 * ngtcp2_conn_get_pto (conn->ng);
}

static void
drain (WzpConn *conn)
{
  const ngtcp2_ccerr *ccerr = ngtcp2_conn_get_ccerr (conn->ng);

  if (conn->was_reset) {
    tell_timeout (conn,
        g_strdup ("stateless reset: the other side has forgotten the "
                  "connection"),
        WZP_ERROR_CLOSED);
    drop (conn);
    return;
  }
  tell_remote_close (conn, ccerr);
  conn->end_ns = compute_end (conn);
  wzp_conn_set_state (conn, WZP_CONN_DRAINING);
}

static void
set_close_reason (WzpConn *conn, const char *reason)
{
  const char *end = NULL;

  g_strlcpy (conn->close_reason, reason != NULL ? reason : "",
      sizeof conn->close_reason);
  /* Not in the middle of a character. */
  if (!g_utf8_validate (conn->close_reason, -1, &end))
    conn->close_reason[end - conn->close_reason] = '\0';
}

static void
fail_tls (WzpConn *conn)
{
  const GError *own = conn->tls != NULL ? wzp_tls_get_error (conn->tls) : NULL;
  guint8 number = ngtcp2_conn_get_tls_alert (conn->ng);
  int tls_error = ngtcp2_conn_get_tls_error (conn->ng);
  g_autofree char *alert = name_alert (number);
  WzpCloseInfo info = { .tls_alert = number };

  if (number == 0 && tls_error != 0)
    info.code = ngtcp2_err_infer_quic_transport_error_code (tls_error);
  else
    info.code = NGTCP2_CRYPTO_ERROR | number;
  conn->close_code = info.code;

  if (own != NULL)
    set_info (conn, &info, own->code,
        g_strdup_printf ("TLS alert %u (%s): %s", number, alert, own->message));
  else
    set_info (conn, &info, WZP_ERROR_PROTOCOL,
        g_strdup_printf ("TLS alert %u (%s)", number, alert));
  wzp_conn_set_state (conn, WZP_CONN_CLOSING);
}

static void
fail_quic (WzpConn *conn, int code)
{
  WzpCloseInfo info = { .code =
                            ngtcp2_err_infer_quic_transport_error_code (code) };

  conn->close_code = info.code;
  set_info (conn, &info,
      ngtcp2_err_is_fatal (code) ? WZP_ERROR_FAILED : WZP_ERROR_PROTOCOL,
      g_strdup_printf ("QUIC error 0x%" G_GINT64_MODIFIER "x (%s)", info.code,
          ngtcp2_strerror (code)));
  wzp_conn_set_state (conn, WZP_CONN_CLOSING);
}

void
wzp_conn_fail (WzpConn *conn, int code)
{
  if (!wzp_conn_is_open (conn))
    return; /* closed here first */

  switch (code) {
    case NGTCP2_ERR_DRAINING:
      drain (conn);
      break;
    case NGTCP2_ERR_IDLE_CLOSE:
      tell_timeout (conn, g_strdup ("idle timeout"), WZP_ERROR_TIMED_OUT);
      drop (conn);
      break;
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
      tell_timeout (conn,
          g_strdup_printf (
              "handshake timed out after %u ms", conn->handshake_timeout_ms),
          WZP_ERROR_TIMED_OUT);
      drop (conn);
      break;
    case NGTCP2_ERR_DROP_CONN:
      tell_timeout (conn, g_strdup ("nothing usable came"), WZP_ERROR_PROTOCOL);
      drop (conn);
      break;
    case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
      set_info (conn, &(const WzpCloseInfo){ .is_remote = TRUE },
          WZP_ERROR_PROTOCOL,
          g_strdup ("the other side speaks another version of QUIC"));
      drop (conn);
      break;
    case NGTCP2_ERR_CRYPTO:
      fail_tls (conn);
      break;
    default:
      fail_quic (conn, code);
      break;
  }
  wzp_conn_wake (conn);
}

void
wzp_conn_close (WzpConn *conn, WzpCloseCode code, const char *reason)
{
  g_return_if_fail (conn != NULL);

  if (!wzp_conn_is_open (conn))
    return;

  conn->is_notified = TRUE; /* who closes knows it */
  conn->close_is_app = TRUE;
  conn->close_code = code;
  set_close_reason (conn, reason);
  set_info (conn, &(const WzpCloseInfo){ .is_application = TRUE, .code = code },
      WZP_ERROR_CLOSED,
      g_strdup_printf ("closed here: %s", conn->close_reason));
  wzp_conn_set_state (conn, WZP_CONN_CLOSING);
  if (conn->owner != NULL)
    conn->owner->wake (conn, !conn->in_ngtcp2, conn->owner_data);
}

gsize
wzp_conn_write_close (WzpConn *conn, guint8 *dest, gsize room)
{
  const guint8 *reason = (const guint8 *) conn->close_reason;
  gsize reason_len = strlen (conn->close_reason);
  ngtcp2_ccerr ccerr;
  ngtcp2_ssize len;

  if (conn->close_is_app)
    ngtcp2_ccerr_set_application_error (
        &ccerr, conn->close_code, reason, reason_len);
  else
    ngtcp2_ccerr_set_transport_error (
        &ccerr, conn->close_code, reason, reason_len);

  conn->end_ns = compute_end (conn);
  len = ngtcp2_conn_write_connection_close (
      conn->ng, NULL, NULL, dest, room, &ccerr, conn->now_ns);
  wzp_conn_free_engine (conn);
  if (len <= 0) {
    /* Nothing went out yet, or nothing may: the peer knows of no connection. */
    wzp_conn_set_state (conn, WZP_CONN_GONE);
    return 0;
  }
  conn->close_packet = g_bytes_new (dest, len);
  return len;
}

void
wzp_conn_free_engine (WzpConn *conn)
{
  WzpConnInfo info;

  if (conn->ng != NULL) {
    wzp_conn_get_info (conn, &info);
    conn->info = info;
  }
  g_clear_pointer (&conn->ng, ngtcp2_conn_del);
  g_clear_pointer (&conn->tls, wzp_tls_free);
  g_clear_pointer (&conn->close_packet, g_bytes_unref);
  g_clear_pointer (&conn->pending, g_free);
  conn->pending_size = 0;
  conn->has_pending = FALSE;
  wzp_datagram_queue_clear (conn->queue);
  wzp_datagram_queue_trim (conn->queue);
}

void
wzp_conn_notify (WzpConn *conn)
{
  if (wzp_conn_is_open (conn))
    return;

  /* What is left to send is one packet; the rest can go. */
  if (conn->state != WZP_CONN_CLOSING)
    wzp_conn_free_engine (conn);
  if (conn->is_notified)
    return;

  conn->is_notified = TRUE;
  if (conn->handler->closed != NULL)
    conn->handler->closed (conn, &conn->close_info, conn->handler_data);
}
