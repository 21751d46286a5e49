/* wzp-relay-log: the relay's log: lines for people on standard error, or
 * structured ones for journald where standard error leads there.
 *
 *   wzp_log_info (WZP_ABOUT (.call_id = id, .who = fp), "call %s: ended", id);
 *
 * What a stranger sent may stand in any line: control characters, line ends and
 * what is not UTF-8 are escaped before it is written. For lines that strangers
 * can cause at will there is wzp_log_info_limited(): each place in the code
 * writes at most WZP_LOG_LIMIT_LINES in WZP_LOG_LIMIT_US, and its next line
 * says how many were left out.
 *
 * A warning here is for the operator, not of a mistake in the program: in
 * GLib's sense it is a message, so that G_DEBUG=fatal-warnings, which the tests
 * run with, does not end the program. Any thread; the limited ones in the
 * relay's thread only. */
#pragma once

#include "wzp-addr.h"
#include "wzp-fingerprint.h"

#include <stdio.h>

G_BEGIN_DECLS

#define WZP_LOG_LIMIT_LINES 10u
#define WZP_LOG_LIMIT_US    (10 * G_USEC_PER_SEC)
#define WZP_LOG_MAX_LEN     2048u /* bytes of one line's text, the rest is cut */

/* The numbers are those of syslog(3): a smaller one is more important. */
typedef enum {
  WZP_LOG_WARNING = 4,
  WZP_LOG_NOTICE = 5,
  WZP_LOG_INFO = 6,
  WZP_LOG_DEBUG = 7,
} WzpLogLevel;

/* What a line is about, for journald's fields; unset ones are left out. All are
 * borrowed for the call. */
typedef struct {
  const char *call_id;       /* WZP_CALL_ID */
  const WzpFingerprint *who; /* WZP_PEER: an identity */
  const WzpAddr *addr;       /* WZP_ADDRESS: where it is */
  const char *room;          /* WZP_ROOM: an open one */
  const char *link;          /* WZP_RELAY: the label of a federated relay */
} WzpLogAbout;

#define WZP_ABOUT(...) (&(const WzpLogAbout) { __VA_ARGS__ })

/* At most so many lines in a while, from one place. All zero: none yet. */
typedef struct {
  gint64 since_us;
  guint n;           /* written since */
  guint64 left_out;  /* since the last that was written */
} WzpLogLimit;

/* Whether one more may be written; *@ret_left_out then: how many could not
 * since the last. Pure. */
gboolean wzp_log_limit_pass (
    WzpLogLimit *self, gint64 now_us, guint64 *ret_left_out);

/* @about: nullable. */
void wzp_relay_log (WzpLogLevel level, const WzpLogAbout *about,
    const char *format, ...) G_GNUC_PRINTF (3, 4);
void wzp_relay_log_limited (WzpLogLimit *limit, WzpLogLevel level,
    const WzpLogAbout *about, const char *format, ...) G_GNUC_PRINTF (4, 5);

/* Each line of @text by itself, for a line end in a line would be escaped. */
void wzp_relay_log_lines (
    WzpLogLevel level, const WzpLogAbout *about, const char *text);

#define wzp_log_warning(about, ...)                                           \
  wzp_relay_log (WZP_LOG_WARNING, (about), __VA_ARGS__)
#define wzp_log_notice(about, ...)                                            \
  wzp_relay_log (WZP_LOG_NOTICE, (about), __VA_ARGS__)
#define wzp_log_info(about, ...)                                              \
  wzp_relay_log (WZP_LOG_INFO, (about), __VA_ARGS__)
#define wzp_log_debug(about, ...)                                             \
  wzp_relay_log (WZP_LOG_DEBUG, (about), __VA_ARGS__)
#define wzp_log_info_limited(about, ...)                                      \
  G_STMT_START                                                                \
  {                                                                           \
    static WzpLogLimit _limit;                                                \
    wzp_relay_log_limited (                                                   \
        &_limit, WZP_LOG_INFO, (about), __VA_ARGS__);                     \
  }                                                                           \
  G_STMT_END
#define wzp_log_notice_limited(about, ...)                                    \
  G_STMT_START                                                                \
  {                                                                           \
    static WzpLogLimit _limit;                                                \
    wzp_relay_log_limited (                                                   \
        &_limit, WZP_LOG_NOTICE, (about), __VA_ARGS__);                  \
  }                                                                           \
  G_STMT_END

/* For the program only: every line of the process goes through here from now
 * on, GLib's own too, to journald or as text to @out (not owned; NULL: standard
 * error). Once in a process. */
void wzp_relay_log_install (FILE *out);
/* The least important level that is written; INFO in the beginning. */
void wzp_relay_log_set_level (WzpLogLevel level);

/* @text as one line that harms no terminal (transfer full): at most
 * WZP_LOG_MAX_LEN bytes of it, control characters and line ends as \xNN or
 * \uNNNN, bytes that are no UTF-8 as \xNN. @len: -1: up to its NUL. Pure. */
char *wzp_relay_log_escape (const char *text, gssize len);

G_END_DECLS
