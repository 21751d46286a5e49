/* wzp-cid-table: which connection a connection id belongs to.
 *
 * A stranger chooses the first id of a connection, so the hash is seeded.
 * Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WZP_CID_MAX_LEN 20u /* RFC 9000, section 17.2 */

typedef struct _WzpCidTable WzpCidTable;

/* @seed: random. */
WzpCidTable *wzp_cid_table_new (guint64 seed);
void wzp_cid_table_free (WzpCidTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpCidTable, wzp_cid_table_free)

/* FALSE: it is taken, or longer than WZP_CID_MAX_LEN. @value: not owned. */
gboolean wzp_cid_table_add (
    WzpCidTable *self, const guint8 *cid, gsize len, gpointer value);
gpointer wzp_cid_table_lookup (
    const WzpCidTable *self, const guint8 *cid, gsize len);
/* Only when it belongs to @value. */
void wzp_cid_table_remove (
    WzpCidTable *self, const guint8 *cid, gsize len, gconstpointer value);
guint wzp_cid_table_get_size (const WzpCidTable *self);

G_END_DECLS
