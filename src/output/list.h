/* Every kind of output. The first one is the default. */
OUTPUT(oci)
OUTPUT(oci_layout)
