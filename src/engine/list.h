/* Every engine. */
ENGINE(host)
