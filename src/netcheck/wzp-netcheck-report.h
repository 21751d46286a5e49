/* wzp-netcheck-report: what a check found, for people and for programs.
 * docs/man/wzp-netcheck.1 says what stands in the JSON. */
#pragma once

#include "wzp-netcheck-result.h"

G_BEGIN_DECLS

/* UTF-8 that ends with a line end (transfer full). */
char *wzp_netcheck_report_text (const WzpNetcheckResult *result);
char *wzp_netcheck_report_json (const WzpNetcheckResult *result);

G_END_DECLS
