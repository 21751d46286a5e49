/* wzp-bench-child: another process, spoken to by lines of text over its
 * standard input and output, one thing after the other. It does not outlive
 * this one, whatever happens. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _BenchChild BenchChild;

/* @name: what messages call it. */
BenchChild *bench_child_new (
    const char *name, const char *const *argv, GError **error);
/* Closes its input, sends @signal unless that is 0, and forces it when that
 * does not help; returns when it is gone. */
void bench_child_end (BenchChild *self, int signal);
/* Ends it with SIGTERM if it was not. */
void bench_child_free (BenchChild *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BenchChild, bench_child_free)

/* Writes @line and its end. One that has gone by then is no error. */
void bench_child_send (BenchChild *self, const char *line);
/* Waits for the line that begins with @word and returns the rest of it; those
 * before are passed over. NULL: a line "error ..." came, it ended, or
 * @timeout_ms are over. */
char *bench_child_expect (BenchChild *self, const char *word, guint timeout_ms,
    GError **error);
/* What its threads have used so far, microseconds. */
gint64 bench_child_get_cpu_us (const BenchChild *self);
/* What it has in memory, KiB; 0: it is gone. */
guint64 bench_child_get_rss_kib (const BenchChild *self);

G_END_DECLS
