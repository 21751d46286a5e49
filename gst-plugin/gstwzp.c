/* gstwzp: the plugin "wzp". */
#include "gstwzpenums.h"
#include "gstwzpsink.h"
#include "gstwzpsrc.h"

GST_DEBUG_CATEGORY (gst_wzp_debug);

static gboolean
plugin_init (GstPlugin *plugin)
{
  gboolean ok;

  GST_DEBUG_CATEGORY_INIT (gst_wzp_debug, "wzp", 0, "WZP sessions");
  gst_wzp_enums_register ();
  ok = GST_ELEMENT_REGISTER (wzpsink, plugin);
  return GST_ELEMENT_REGISTER (wzpsrc, plugin) && ok;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, wzp,
    "Media between two peers over QUIC, directly or through a relay",
    plugin_init, WZP_VERSION, "LGPL", "gst-wzp", "Unknown package origin")
