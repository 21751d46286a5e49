/* Compiled into every test program here; read by AddressSanitizer and
 * LeakSanitizer where they are.
 *
 * GLib drops its table of quarks when it makes a larger one, on purpose (its
 * readers take no lock), and GStreamer has thousands of them. The first table
 * is made by GLib's constructor. Only the slow unwinder sees these callers. */

const char *__asan_default_options (void);
const char *__lsan_default_suppressions (void);

__attribute__ ((visibility ("default"))) const char *
__asan_default_options (void)
{
  return "fast_unwind_on_malloc=0";
}

__attribute__ ((visibility ("default"))) const char *
__lsan_default_suppressions (void)
{
  return "leak:_dl_init\n"
         "leak:g_intern_string\n"
         "leak:g_intern_static_string\n"
         "leak:g_quark_from_string\n"
         "leak:g_quark_from_static_string\n";
}
