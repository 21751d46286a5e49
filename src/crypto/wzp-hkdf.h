/* wzp-hkdf: HKDF-SHA256 (RFC 5869) in one call. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WZP_HKDF_MAX_LEN (255u * 32u) /* bytes of output, RFC 5869, 2.3 */

/* Extracts with @salt (nullable) and expands with @info (text without its NUL)
 * into @len bytes (at most WZP_HKDF_MAX_LEN) at @out. */
void wzp_hkdf_sha256 (const guint8 *salt, gsize salt_len, const guint8 *secret,
    gsize secret_len, const char *info, guint8 *out, gsize len);

G_END_DECLS
